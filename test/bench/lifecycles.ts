import { randomUUID } from 'node:crypto';
import type { JobManager } from '../../src/jobs/jobManager.ts';
import { finishData, runData } from './contenders/payload.ts';
import { durability, type Context } from './context.ts';
import { medianRatio, show, toRow, type Report, type Row, type Sample } from './figures.ts';
import { measureRate, timed, type Work } from './measure.ts';
import { openPlainLayout, type PlainLayout } from './plainLayout.ts';
import { sendWithToken } from './sender.ts';

const pipeline = 'bench';
/** Documents that the jobs belong to. */
const parents = Array.from({ length: 64 }, () => randomUUID());

interface Variant {
  readonly row: string;
  readonly callers: number;
  readonly work: Work;
}

/**
 * Set-up, run and finish, each acknowledged before the next is sent. All features: data validated, a
 * hash chain, a key on each event (a set-up's is its identity), a token issued to each job and verified
 * with each event. The rate counts until the last snapshot is written behind.
 */
export async function lifecycles(context: Context): Promise<Report> {
  const { admin, plain, scale } = context;
  const manager = await context.open();
  await manager.pipelines.put(pipeline, { name: 'Benchmark' });
  const full = fullLifecycle(manager);
  const bare = bareLifecycle(manager);
  const theirs = plainLifecycle(openPlainLayout(plain));
  const variants: readonly Variant[] = [
    { row: 'all features', callers: 256, work: full },
    { row: 'without keys and tokens', callers: 256, work: bare },
    { row: 'plain layout', callers: 256, work: theirs },
    { row: 'all features', callers: 64, work: full },
    { row: 'plain layout', callers: 64, work: theirs },
    {
      row: 'all features and an input looked for',
      callers: 256,
      work: fullLifecycle(manager, jobDataWithInput),
    },
  ].filter(({ row, callers }) => `${row}, ${callers} callers`.includes(scale.row));
  const settle = () => manager.engine.projector.flush();
  const run = ({ callers, work }: Variant, milliseconds: number) =>
    measureRate(admin, { callers, milliseconds }, work, settle);
  for (const variant of variants) await run(variant, 700);
  const rounds = variants.map((): Sample[] => []);
  for (let round = 0; round < scale.rounds; round += 1) {
    for (const [index, variant] of variants.entries())
      rounds[index]?.push(await run(variant, scale.seconds * 1_000));
  }
  const rows = variants.map(({ row, callers }, index) =>
    toRow(
      {
        bench: 'lifecycles',
        row: `${row}, ${callers} callers`,
        unit: 'life cycles/s',
        durability,
      },
      rounds[index] ?? [],
    ),
  );
  return { rows, verdicts: scale.row === '' ? [judge(rows, 256)] : [] };
}

function judge(rows: readonly Row[], callers: number) {
  const samplesOf = (row: string) =>
    rows.find((each) => each.row === `${row}, ${callers} callers`)?.samples ?? [];
  const ratio = medianRatio(samplesOf('all features'), samplesOf('plain layout'));
  return {
    bench: 'lifecycles',
    target: `at least 4 × the plain layout with ${callers} callers`,
    found: `${show(ratio)} × (median of the rounds)`,
    met: ratio >= 4,
  };
}

let made = 0;
const jobData = () => ({
  parameters: { sample: `sample-${(made += 1)}`, threads: 8, trim: true },
});
/** A text that may be the URI of a document has to be looked for. */
const jobDataWithInput = () => ({
  ...jobData(),
  inputs: ['agave://data.system/experiments/e1/reads_1.fastq.gz'],
});

/** One life cycle with all features. */
export const fullLifecycle =
  (manager: JobManager, newData: () => Record<string, unknown> = jobData): Work =>
  async (told) => {
    const data = newData();
    let jobId = '';
    let token = '';
    const setup = async (): Promise<void> => {
      const parent = parents[made % parents.length];
      ({ id: jobId, token } = await manager.setup('pipelineJob', {
        pipeline,
        parents: parent,
        data,
      }));
    };
    const send = (name: string, payload: unknown) =>
      sendWithToken(manager, { jobId, token, name, data: payload, key: `${name}-1` });
    told(await timed(setup));
    told(await timed(() => send('run', runData)));
    told(await timed(() => send('finish', finishData)));
  };

const bareLifecycle =
  (manager: JobManager): Work =>
  async (told) => {
    const data = jobData();
    const started = performance.now();
    const job = await manager.setup('pipelineJob', {
      pipeline,
      parents: parents[made % parents.length],
      data,
    });
    told(performance.now() - started);
    told(await timed(() => job.sendAll([{ name: 'run', data: runData }])));
    told(await timed(() => job.sendAll([{ name: 'finish', data: finishData }])));
  };

const plainLifecycle =
  (layout: PlainLayout): Work =>
  (told) =>
    plainLife(layout, jobData(), told);

/** One life cycle in a plain layout. */
export async function plainLife(
  layout: PlainLayout,
  data: unknown,
  told: (milliseconds: number) => void,
): Promise<void> {
  let id = '';
  told(await timed(async () => (id = await layout.create(data))));
  const run = { version: 1, name: 'run', state: 'RUNNING', data: runData };
  told(await timed(() => layout.send(id, run)));
  const finish = { version: 2, name: 'finish', state: 'FINISHED', data: finishData };
  told(await timed(() => layout.send(id, finish)));
}
