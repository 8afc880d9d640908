import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { reminderMachine, reportMachine } from '../crash/fixtures/crashMachines.ts';
import { checkHistory, type LoggedRequest } from './checkHistory.ts';
import { startClient, type ClientOptions, type JobClient } from './jobClient.ts';
import { perform, type Operation, type Outcome } from './operations.ts';
import { readDatabase, type RawDatabase } from './rawDatabase.ts';
import { waitUntil } from './waitUntil.ts';

/** A database under test with a manager in this process, who outlives the clients in theirs. */
export interface Arena {
  readonly survivor: JobManager;
  readonly options: ClientOptions;
  readonly db: Db;
  startClient(): Promise<JobClient>;
  /** Asks the survivor. */
  ask(operation: Operation): Promise<Outcome>;
  /** Moves the survivor's clock. */
  setClock(offset: number): void;
  read(job?: string): Promise<RawDatabase>;
  problems(job?: string, log?: readonly LoggedRequest[]): Promise<string[]>;
  /** Waits, asking nobody for anything, until there are no problems; resolves to the milliseconds. */
  settled(withinMs: number, job?: string): Promise<number>;
  close(): Promise<void>;
}

/** The pipeline that every arena has. */
export const pipeline = '4f1c2a50-6a7e-5d9b-8a35-1f0c7c1d2e3f';

export async function openArena(uri: string, database: string): Promise<Arena> {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-arena-'));
  const effectLog = join(home, 'effects.log');
  const machines = [reminderMachine, reportMachine(effectLog)];
  const linkedCollections = ['files', 'samples'];
  const secrets = `k1:${randomBytes(32).toString('base64')}`;
  const options = { uri, database, home, secrets, effectLog, linkedCollections };
  let clockOffset = 0;
  const survivor = await JobManager.open({
    mongodb: uri,
    database,
    home,
    secrets,
    machines,
    linkedCollections,
    logLevel: 'silent',
    now: () => Date.now() + clockOffset,
  });
  await survivor.pipelines.put(pipeline, { name: 'weather' });
  const client = await new MongoClient(uri).connect();
  const db = client.db(database);
  const read = (job?: string) => readDatabase(db, job === undefined ? {} : { job });
  const problems = async (job?: string, log: readonly LoggedRequest[] = []) =>
    checkHistory(await read(job), { machines, log });
  return {
    // Its own machines' events are sent by name here, so its type need not know them.
    survivor: survivor as unknown as JobManager,
    options,
    db,
    startClient: () => startClient(options),
    ask: (operation) => perform(survivor.engine, operation),
    setClock: (offset) => (clockOffset = offset),
    read,
    problems,
    settled: (withinMs, job) =>
      waitUntil(
        'the database settles',
        async () => {
          const found = await problems(job);
          return found.length === 0 ? true : found.slice(0, 5).join('\n');
        },
        withinMs,
        100,
      ),
    async close() {
      await survivor.close();
      await db.dropDatabase();
      await client.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
