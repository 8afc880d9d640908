import { setTimeout as delay } from 'node:timers/promises';
import type { Contender, Trial, TrialResult } from './contender.ts';
import { loadPeer } from './installed.ts';
import { openPostgres, type PgPool, type Postgres } from './openPostgres.ts';
import type { Payload } from './payload.ts';
import { runQueue, type Ends, type Queue } from './queueTrial.ts';

interface WorkerPackage {
  readonly Logger: new (factory: () => () => void) => object;
  readonly runMigrations: (options: object) => Promise<void>;
  readonly makeWorkerUtils: (options: object) => Promise<Utils>;
  readonly run: (options: object) => Promise<Runner>;
}

interface Utils {
  addJob(task: string, payload: Payload): Promise<unknown>;
  release(): Promise<void>;
}

interface Runner {
  readonly events: {
    on(event: 'job:complete', listener: (told: CompletedJob) => void): void;
  };
  stop(): Promise<void>;
}

interface CompletedJob {
  readonly job: { readonly payload: Payload };
}

/** Of its manual's page on performance. */
const concurrency = 24;
const localQueue = { size: 500 };

const base = {
  unit: 'life cycles/s',
  server: 'postgres',
  packages: ['graphile-worker', 'pg'],
  callers: [256, 64],
} as const;

export const graphileWorker: Contender = {
  ...base,
  id: 'graphileWorker',
  row: 'graphile-worker, addJob + run',
  setting: `addJob + lock + run + complete; concurrency ${concurrency}, no batches, pool of 64; until its table is empty`,
  jobsOf10k: 4_000,
  run: (trial) => runGraphile(trial, {}),
};

export const graphileWorkerTuned: Contender = {
  ...base,
  id: 'graphileWorkerTuned',
  row: 'graphile-worker, addJob + run in batches',
  setting: `addJob + lock + run + complete; concurrency ${concurrency}, local queue of ${localQueue.size}, completions in batches without delay, pool of 64; rate until its table is empty, whole life until it is put into a batch`,
  jobsOf10k: 6_000,
  run: (trial) =>
    runGraphile(trial, {
      preset: { worker: { localQueue, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    }),
};

async function runGraphile(trial: Trial, options: object): Promise<TrialResult> {
  const database = await openPostgres(trial.server);
  try {
    return await runQueue(trial, (ends) => openGraphile(database, options, ends));
  } finally {
    await database.close();
  }
}

async function openGraphile(database: Postgres, options: object, ends: Ends): Promise<Queue> {
  const { Logger, runMigrations, makeWorkerUtils, run } =
    await loadPeer<WorkerPackage>('graphile-worker');
  const pgPool = database.openPool(64);
  const logger = new Logger(() => () => undefined);
  await runMigrations({ pgPool, logger });
  const utils = await makeWorkerUtils({ pgPool, logger });
  const runner = await run({
    pgPool,
    logger,
    concurrency,
    noHandleSignals: true,
    taskList: { work: async () => undefined },
    ...options,
  });
  runner.events.on('job:complete', ({ job }) => ends.done(job.payload.n));
  return {
    enqueue: (payload) => utils.addJob('work', payload),
    settled: () => untilEmpty(pgPool),
    async close() {
      await runner.stop();
      await utils.release();
      await pgPool.end();
    },
  };
}

/** It takes a job out of its table when the job is complete. */
async function untilEmpty(pool: PgPool): Promise<void> {
  const count = 'select count(*)::int as left from graphile_worker.jobs';
  while ((await pool.query(count)).rows[0]?.['left'] !== 0) await delay(5);
}
