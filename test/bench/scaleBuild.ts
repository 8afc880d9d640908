import { durability } from './context.ts';
import { show, toRow, type Row } from './figures.ts';
import { startPart, toPlace, type OpenPlace } from './processesParts.ts';
import { openManager } from './processesSender.ts';
import { watchUsage, describeUsage } from './processesUsage.ts';
import type { Built, BuildOrder } from './scaleBuilder.ts';
import { entriesOf, pipelines } from './scalePlan.ts';

const builders = 2;
const callers = 256;

/** Said in the database itself once it is whole. */
interface Mark {
  readonly _id: 'built';
  readonly jobs: number;
}
const marks = ({ db }: OpenPlace) => db.collection<Mark>('benchScale');

/** How many jobs a database that was kept was built with; throws where it is none. */
export async function jobsOf(place: OpenPlace): Promise<number> {
  const mark = await marks(place).findOne({ _id: 'built' });
  if (!mark) throw new Error(`${place.database} is no database that was built and kept whole`);
  return mark.jobs;
}

/** Builds the database through the engine, in two processes, and tells how fast that went. */
export async function buildDatabase(place: OpenPlace, jobs: number): Promise<Row[]> {
  const manager = await openManager(toPlace(place));
  for (const pipeline of pipelines) await manager.pipelines.put(pipeline, { name: pipeline });
  await manager.close();
  const parts = Array.from({ length: builders }, () => startPart('builder'));
  try {
    await Promise.all(parts.map((part) => part.ask('open', toPlace(place))));
    const usage = await watchUsage([place.admin]);
    const started = performance.now();
    const built = await Promise.all(
      parts.map((part, builder) => {
        const order: BuildOrder = { jobs, builder, builders, callers: callers / builders };
        return part.ask<Built>('build', order);
      }),
    );
    const seconds = (performance.now() - started) / 1_000;
    const used = await usage(built.map(({ cpu }) => cpu));
    await marks(place).insertOne({ _id: 'built', jobs });
    return tell(jobs, seconds, built, describeUsage(used), used.mongod);
  } finally {
    await Promise.all(parts.map((part) => part.end()));
  }
}

function tell(
  jobs: number,
  seconds: number,
  built: readonly Built[],
  usage: string,
  mongodCores: number,
): Row[] {
  const sum = (of: (each: Built) => number): number =>
    built.reduce((all, each) => all + of(each), 0);
  const entries = sum((each) => each.entries);
  if (entries !== entriesOf(jobs)) throw new Error(`${entries} entries were built`);
  const mongod = mongodCores * seconds * 1e6;
  const row = (name: string, unit: string, count: number): Row =>
    toRow({ bench: 'scale', row: name, unit, durability }, [
      {
        value: count / seconds,
        clientCpu: sum(({ cpu }) => cpu) / count,
        serverCpu: mongod / count,
      },
    ]);
  const how = `${builders} processes, ${callers} callers`;
  console.error(`scale: built ${show(jobs)} jobs in ${show(seconds)} s; ${usage}`);
  return [
    row(`building ${show(jobs)} jobs, ${how}`, 'jobs/s', jobs),
    row(
      `building ${show(entries)} entries in ${show(sum(({ commits }) => commits))} commits`,
      'entries/s',
      entries,
    ),
  ];
}
