import { randomUUID } from 'node:crypto';
import type { Contender, Trial, TrialResult } from './contender.ts';
import { loadPeer } from './installed.ts';
import { finishData, type Payload } from './payload.ts';
import { runQueue, type Ends, type Queue } from './queueTrial.ts';

interface BullPackage {
  readonly Queue: new (name: string, options: object) => BullQueue;
  readonly Worker: new (name: string, work: () => Promise<object>, options: object) => BullWorker;
}

interface BullQueue {
  add(name: string, data: Payload): Promise<unknown>;
  obliterate(options: { force: boolean }): Promise<void>;
  close(): Promise<void>;
}

interface BullWorker {
  on(event: 'completed', listener: (job: { readonly data: Payload }) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

const base = {
  setting:
    'add + move to active + complete; one worker, concurrency as many as callers; ended jobs kept',
  unit: 'life cycles/s',
  packages: ['bullmq', 'ioredis'],
  jobsOf10k: 10_000,
  callers: [256, 64],
} as const;

export const bullmqDurable: Contender = {
  ...base,
  id: 'bullmqDurable',
  row: 'BullMQ, appendfsync always',
  server: 'redisDurable',
  run: runBull,
};

export const bullmqVolatile: Contender = {
  ...base,
  id: 'bullmqVolatile',
  row: 'BullMQ, nothing persisted',
  server: 'redisVolatile',
  run: runBull,
};

function runBull(trial: Trial): Promise<TrialResult> {
  return runQueue(trial, (ends) => openBull(trial, ends));
}

async function openBull({ server, callers }: Trial, ends: Ends): Promise<Queue> {
  const bull = await loadPeer<BullPackage>('bullmq');
  const { hostname: host, port } = new URL(server.url);
  const connection = { host, port: Number(port), maxRetriesPerRequest: null };
  const name = `bench-${randomUUID()}`;
  const queue = new bull.Queue(name, { connection });
  const worker = new bull.Worker(name, async () => finishData, {
    connection,
    concurrency: callers,
  });
  worker.on('error', ends.failed);
  worker.on('completed', ({ data }) => ends.done(data.n));
  await worker.waitUntilReady();
  return {
    enqueue: (payload) => queue.add('work', payload),
    async close() {
      await worker.close();
      await queue.obliterate({ force: true });
      await queue.close();
    },
  };
}
