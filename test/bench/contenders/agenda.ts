import type { Db } from 'mongodb';
import type { Contender, Trial, TrialResult } from './contender.ts';
import { loadPeer } from './installed.ts';
import { openMongo } from './openMongo.ts';
import type { Payload } from './payload.ts';
import { runQueue, type Ends, type Queue } from './queueTrial.ts';

interface AgendaPackage {
  readonly Agenda: new (options: Readonly<Record<string, unknown>>) => AgendaInstance;
}

interface AgendaInstance {
  readonly ready: Promise<void>;
  define(name: string, work: () => Promise<void>, options: object): void;
  on(event: 'error', listener: (error: Error) => void): void;
  on(event: 'complete', listener: (job: AgendaJob) => void): void;
  now(name: string, data: Payload): Promise<unknown>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface AgendaJob {
  readonly attrs: { readonly data: Payload };
}

interface BackendPackage {
  readonly MongoBackend: new (options: { mongo: Db }) => object;
}

/** Its worker polls; the pace and the limits are raised from what suits a few jobs a minute. */
const processEvery = 100;

export const agenda: Contender = {
  id: 'agenda',
  row: 'Agenda, now + processed by its worker',
  setting: `MongoDB backend; enqueue + lock + run + save; processEvery ${processEvery} ms, concurrency as many as callers, lock limit four times that`,
  unit: 'life cycles/s',
  server: 'mongod',
  packages: ['agenda', '@agendajs/mongo-backend'],
  jobsOf10k: 1_500,
  callers: [256, 64],
  run: runAgenda,
};

async function runAgenda(trial: Trial): Promise<TrialResult> {
  const mongo = await openMongo(trial.server);
  try {
    return await runQueue(trial, (ends) => openAgenda(mongo.db, trial.callers, ends), mongo);
  } finally {
    await mongo.close();
  }
}

async function openAgenda(db: Db, callers: number, ends: Ends): Promise<Queue> {
  const { Agenda } = await loadPeer<AgendaPackage>('agenda');
  const { MongoBackend } = await loadPeer<BackendPackage>('@agendajs/mongo-backend');
  const instance = new Agenda({
    backend: new MongoBackend({ mongo: db }),
    processEvery,
    maxConcurrency: callers,
    defaultConcurrency: callers,
    lockLimit: callers * 4,
    defaultLockLimit: callers * 4,
  });
  instance.on('error', ends.failed);
  instance.define('work', async () => undefined, {});
  instance.on('complete', ({ attrs }) => ends.done(attrs.data.n));
  await instance.ready;
  await instance.start();
  return {
    enqueue: (payload) => instance.now('work', payload),
    close: () => instance.stop(),
  };
}
