import { seededRandom } from '../support/waitUntil.ts';
import { durability } from './context.ts';
import { quantile, show, toRow, type Row } from './figures.ts';
import { timed } from './measure.ts';
import type { JobManager } from '../../src/jobs/jobManager.ts';
import { planJob, type PlannedJob } from './scalePlan.ts';

/** Calls of one kind: so many, unless they take too long in all; and then at least so few. */
const calls = 1_000;
const fewest = 5;
let patienceMs = 5_000;

/** How long calls of one kind may take in all. */
export const setPatience = (milliseconds: number): void => void (patienceMs = milliseconds);

/** Measures one caller's calls, one after the other; the row says how many there were. */
export async function measureCalls(
  name: string,
  call: (turn: number) => Promise<unknown>,
  most = calls,
): Promise<Row> {
  const latencies: number[] = [];
  const started = performance.now();
  for (let turn = 0; turn < most; turn += 1) {
    if (turn >= fewest && performance.now() - started > patienceMs) break;
    latencies.push(await timed(() => call(turn)));
  }
  const middle = quantile(
    latencies.toSorted((a, b) => a - b),
    0.5,
  );
  const cut = latencies.length < most ? `, cut short after ${show(patienceMs / 1_000)} s` : '';
  return toRow(
    {
      bench: 'scale',
      row: `${name} (${show(latencies.length)} calls${cut})`,
      unit: 'ms',
      durability,
    },
    [{ value: middle, latencies }],
  );
}

export type Draw = () => PlannedJob;

/** Numbers of random jobs, each of them once. */
export function drawJobs(jobs: number, seed: number): Draw {
  const random = seededRandom(seed);
  const seen = new Set<number>();
  return () => {
    let index = Math.floor(random() * jobs);
    // With few jobs there is an end to those that were not drawn.
    while (seen.has(index) && seen.size < jobs) index = (index + 1) % jobs;
    seen.add(index);
    return planJob(index);
  };
}

/** Get, history, send and set-up; of jobs that the process does not have at hand. */
export async function measureJobs(manager: JobManager, jobs: number): Promise<Row[]> {
  const draw = drawJobs(jobs, 1);
  const live = manager.engine.live;
  const drawRunning = (): PlannedJob => {
    for (;;) {
      const drawn = draw();
      if (drawn.kind.state === 'RUNNING') return drawn;
    }
  };
  let set = 0;
  return [
    await measureCalls('get of a random job not at hand', () => manager.job(draw().id)),
    await measureCalls('history page of a random job not at hand', async () =>
      (await manager.job(draw().id)).history(),
    ),
    // Opened and forgotten: as a callback finds a job of which this process knows nothing.
    await measureSends(
      () => manager.job(drawRunning().id),
      (id) => live.forget(id),
    ),
    await measureCalls('set-up of a new job', () =>
      manager.setup('pipelineJob', {
        ...planJob(0).input,
        data: { measured: (set += 1), process: process.pid, at: Date.now() },
      }),
    ),
  ];
}

type Handle = Awaited<ReturnType<JobManager['job']>>;

async function measureSends(
  open: () => Promise<Handle>,
  forget: (id: string) => void,
): Promise<Row> {
  const handles: Handle[] = [];
  for (let count = 0; count < calls; count += 1) handles.push(await open());
  for (const { id } of handles) forget(id);
  return measureCalls('send of one event to a random job not at hand', async (turn) => {
    await handles[turn]?.sendAll([{ name: 'update', data: { turn } }]);
  });
}
