import { randomUUID } from 'node:crypto';
import type { Db, Document } from 'mongodb';
import type { JobManager } from '../../src/jobs/jobManager.ts';
import { durability, type Context } from './context.ts';
import { openOurs } from './contenders/openOurs.ts';
import { medianRatio, show, toRow, type Report, type Sample } from './figures.ts';
import { serverCpu } from './measure.ts';

const count = 10_000;
const batch = 1_000;
/** The first calls of a process are those of a program that is not compiled yet. */
const warmUps = 2;

/**
 * `setupMany` of 10,000 new jobs in one call, until it answers and until the snapshots are written behind,
 * beside the raw driver's insertMany of the very same commit documents under other ids, 1,000 at a time,
 * into a collection without our indexes.
 */
export async function setup({ uri, admin, scale }: Context): Promise<Report> {
  const engine = await openOurs(uri, { makeDirectories: false });
  try {
    const { manager, db } = engine;
    const samples: Record<'answered' | 'settled' | 'raw', Sample[]> = {
      answered: [],
      settled: [],
      raw: [],
    };
    for (let round = -warmUps; round < scale.rounds; round += 1) {
      const ours = await setUp(manager, admin);
      const raw = await insertRaw(db, admin);
      if (round < 0) continue;
      samples.answered.push(ours.answered);
      samples.settled.push(ours.settled);
      samples.raw.push(raw);
    }
    const { ok, entries, problemCount } = await manager.verify();
    const naming = { bench: 'setup', unit: 'jobs/s', durability };
    const rows = [
      toRow({ ...naming, row: `setupMany of ${count}, until it answers` }, samples.answered),
      toRow({ ...naming, row: 'the same, until all snapshots are written' }, samples.settled),
      toRow({ ...naming, row: `raw insertMany of ${batch} of the same commits` }, samples.raw),
    ];
    const answered = ratioOf(samples.answered, samples.raw);
    const settled = ratioOf(samples.settled, samples.raw);
    return {
      rows,
      verdicts: [
        {
          bench: 'setup',
          target: 'setupMany of 10,000 jobs at least 0.4 × raw insertMany (aim 0.7 ×)',
          found: `${show(answered)} ×; until all snapshots are written ${show(settled)} ×`,
          met: answered >= 0.4,
        },
        {
          bench: 'setup',
          target: 'verify finds no problem',
          found: `${problemCount} in ${show(entries)} entries`,
          met: ok,
        },
      ],
    };
  } finally {
    await engine.close();
  }
}

const ratioOf = (ours: readonly Sample[], raw: readonly Sample[]): number =>
  medianRatio(
    ours.map(({ value }) => value),
    raw.map(({ value }) => value),
  );

let made = 0;
const parents = Array.from({ length: 64 }, () => randomUUID());

async function setUp(manager: JobManager, admin: Db) {
  const inputs = Array.from({ length: count }, () => ({
    pipeline: 'bench',
    parents: parents[made % parents.length],
    data: { parameters: { sample: `sample-${(made += 1)}`, threads: 8, trim: true } },
  }));
  const measure = await startMeasure(admin);
  const outcomes = await manager.setupMany('pipelineJob', inputs);
  const answered = await measure();
  await manager.engine.projector.flush();
  const settled = await measure();
  if (outcomes.some(({ outcome }) => outcome !== 'created')) throw new Error('not all are new');
  return { answered, settled };
}

async function insertRaw(db: Db, admin: Db): Promise<Sample> {
  const commits = db.collection<Document>('commits');
  const found = await commits.find().sort({ $natural: -1 }).limit(count).toArray();
  const documents = found.map((each) => ({ ...each, _id: { job: randomUUID(), seq: 1 } }));
  const raw = db.collection<{ _id: { job: string; seq: number } }>('setup_raw');
  const measure = await startMeasure(admin);
  for (let from = 0; from < count; from += batch) {
    await raw.insertMany(documents.slice(from, from + batch), { ordered: false });
  }
  return measure();
}

/** From now on: jobs a second, and what a job costs both sides. */
async function startMeasure(admin: Db): Promise<() => Promise<Sample>> {
  const server = await serverCpu(admin);
  const client = process.cpuUsage();
  const started = performance.now();
  return async () => {
    const seconds = (performance.now() - started) / 1_000;
    const { user, system } = process.cpuUsage(client);
    return {
      value: count / seconds,
      clientCpu: (user + system) / count,
      serverCpu: ((await serverCpu(admin)) - server) / count,
    };
  };
}
