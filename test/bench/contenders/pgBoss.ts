import { setTimeout as delay } from 'node:timers/promises';
import type { Contender, Trial, TrialResult } from './contender.ts';
import { loadPeer } from './installed.ts';
import { openPostgres } from './openPostgres.ts';
import { finishData, type Payload } from './payload.ts';
import { runQueue, type Ends, type Queue } from './queueTrial.ts';

interface PgBossPackage {
  readonly PgBoss: new (options: Readonly<Record<string, unknown>>) => Boss;
}

interface BossJob {
  readonly id: string;
  readonly data: Payload;
}

interface Boss {
  on(event: 'error', listener: (error: Error) => void): void;
  start(): Promise<unknown>;
  stop(options: object): Promise<void>;
  createQueue(name: string): Promise<void>;
  send(name: string, data: Payload): Promise<string | null>;
  fetch(name: string, options: { batchSize: number }): Promise<BossJob[]>;
  complete(name: string, ids: string[], output: object): Promise<unknown>;
  work(
    name: string,
    options: object,
    handler: (jobs: readonly BossJob[]) => Promise<object>,
  ): Promise<string>;
  getDb(): {
    executeSql(text: string): Promise<{ readonly rows: readonly { readonly left: number }[] }>;
  };
}

const queueName = 'bench';
const batchSize = 100;
const loops = 4;
const idleMs = 5;

const base = {
  unit: 'life cycles/s',
  server: 'postgres',
  packages: ['pg-boss', 'pg'],
  callers: [256, 64],
} as const;

export const pgBossFetch: Contender = {
  ...base,
  id: 'pgBossFetch',
  row: 'pg-boss, send + fetch/complete loop',
  setting: `send + fetch + complete; ${loops} loops that fetch and complete ${batchSize} at a time, pool of 20, no maintenance meanwhile`,
  jobsOf10k: 10_000,
  run: (trial) => runPgBoss(trial, loopOff),
};

export const pgBossWork: Contender = {
  ...base,
  id: 'pgBossWork',
  row: 'pg-boss, send + work()',
  setting: `send + work(): ${loops} workers, batches of ${batchSize}, burst when a batch is full, polling every 0.5 s, pool of 20, no maintenance meanwhile; rate until all are complete, whole life until the handler ran`,
  jobsOf10k: 6_000,
  run: (trial) => runPgBoss(trial, workOff),
};

/** Starts the worker, which the returned function ends. */
type Start = (boss: Boss, ends: Ends) => Promise<Pick<Queue, 'settled' | 'close'>>;

async function runPgBoss(trial: Trial, start: Start): Promise<TrialResult> {
  const { PgBoss } = await loadPeer<PgBossPackage>('pg-boss');
  const database = await openPostgres(trial.server);
  try {
    return await runQueue(trial, async (ends) => {
      const boss = new PgBoss({
        connectionString: database.url,
        max: 20,
        supervise: false,
        schedule: false,
      });
      boss.on('error', ends.failed);
      await boss.start();
      await boss.createQueue(queueName);
      const worker = await start(boss, ends);
      return {
        ...worker,
        enqueue: (payload) => boss.send(queueName, payload),
        async close() {
          await worker.close();
          await boss.stop({ graceful: true, timeout: 5_000 });
        },
      };
    });
  } finally {
    await database.close();
  }
}

const loopOff: Start = async (boss, ends) => {
  let isOver = false;
  const loop = async (): Promise<void> => {
    while (!isOver) {
      const jobs = await boss.fetch(queueName, { batchSize });
      if (jobs.length === 0) {
        await delay(idleMs);
        continue;
      }
      const ids = jobs.map(({ id }) => id);
      await boss.complete(queueName, ids, finishData);
      for (const { data } of jobs) ends.done(data.n);
    }
  };
  const running = Array.from({ length: loops }, () => loop().catch(ends.failed));
  return {
    async close() {
      isOver = true;
      await Promise.all(running);
    },
  };
};

/** The handler is told of jobs, not of their end: the server tells that. */
const workOff: Start = async (boss, ends) => {
  const options = {
    batchSize,
    localConcurrency: loops,
    pollingIntervalSeconds: 0.5,
    burstWhenBatchFull: true,
  };
  await boss.work(queueName, options, async (jobs) => {
    setImmediate(() => {
      for (const { data } of jobs) ends.done(data.n);
    });
    return finishData;
  });
  const left = `select count(*)::int as left from pgboss.job where name = '${queueName}' and state < 'completed'`;
  return {
    async settled() {
      while ((await boss.getDb().executeSql(left)).rows[0]?.left !== 0) await delay(idleMs);
    },
    close: async () => undefined,
  };
};
