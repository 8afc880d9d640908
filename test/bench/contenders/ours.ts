import { randomUUID } from 'node:crypto';
import type { JobManager } from '../../../src/jobs/jobManager.ts';
import { fullLifecycle } from '../lifecycles.ts';
import { timed } from '../measure.ts';
import { sendWithToken } from '../sender.ts';
import type { Contender, Trial, TrialResult } from './contender.ts';
import { openOurs } from './openOurs.ts';
import { finishData, payloadOf, runData } from './payload.ts';
import { runCallers, takeSample, warmUpOf, type Times } from './takeSample.ts';

const features =
  'set-up, run and finish, each acknowledged to its caller before the next; tokens verified, data validated, hash chain, history, idempotency keys; until the last snapshot is written';

const base = { unit: 'life cycles/s', server: 'mongod', packages: [], jobsOf10k: 10_000 } as const;

/** What the others are compared with: like them it makes no directories. */
export const ours: Contender = {
  ...base,
  id: 'ours',
  row: 'ours, all features',
  setting: `${features}; no directories made`,
  callers: [256, 64],
  run: (trial) => runOurs(trial, false, lifeByLife),
};

export const oursWithDirectories: Contender = {
  ...base,
  id: 'oursWithDirectories',
  row: 'ours, all features, archive directories made',
  setting: `${features}; a directory made for each job`,
  callers: [256, 64],
  run: (trial) => runOurs(trial, true, lifeByLife),
};

export const oursInWaves: Contender = {
  ...base,
  id: 'oursInWaves',
  row: 'ours, all features, events of a job far apart',
  setting: `${features}; all set-ups, then all runs, then all finishes, snapshots written between; no directories made`,
  callers: [256],
  run: (trial) => runOurs(trial, false, inWaves),
};

type Lives = (
  manager: JobManager,
  work: Pick<Trial, 'callers' | 'jobs'>,
  times: Times,
) => Promise<void>;

async function runOurs(trial: Trial, makeDirectories: boolean, live: Lives): Promise<TrialResult> {
  const engine = await openOurs(trial.server.url, { makeDirectories });
  const { manager, serverCpu } = engine;
  try {
    const silent = { call: () => undefined, life: () => undefined };
    await live(manager, { callers: trial.callers, jobs: warmUpOf(trial) }, silent);
    const sample = await takeSample(trial, { units: trial.jobs, serverCpu }, (times) =>
      live(manager, trial, times),
    );
    return { ...sample, verified: await manager.verify() };
  } finally {
    await engine.close();
  }
}

const lifeByLife: Lives = async (manager, { callers, jobs }, times) => {
  const work = fullLifecycle(manager);
  await runCallers(callers, jobs, async () => times.life(await timed(() => work(times.call))));
  await manager.engine.projector.flush();
};

/** A snapshot of each event is written: the window of writing behind ends between the waves. */
const inWaves: Lives = async (manager, { callers, jobs }, times) => {
  const made: { jobId: string; token: string }[] = [];
  const wave = async (work: (index: number) => Promise<void>): Promise<void> => {
    await runCallers(callers, jobs, async (index) => times.call(await timed(() => work(index))));
    await manager.engine.projector.flush();
  };
  const setup = async (index: number): Promise<void> => {
    const { id: jobId, token } = await manager.setup('pipelineJob', {
      pipeline: 'bench',
      parents: parents[index % parents.length],
      data: { ...payloadOf(index), wave: randomUUID() },
    });
    made[index] = { jobId, token };
  };
  const send = (name: string, data: unknown) => async (index: number) => {
    const job = made[index];
    if (job) await sendWithToken(manager, { ...job, name, data, key: `${name}-1` });
  };
  await wave(setup);
  await wave(send('run', runData));
  await wave(send('finish', finishData));
};

/** Documents that the jobs belong to. */
const parents = Array.from({ length: 64 }, () => randomUUID());
