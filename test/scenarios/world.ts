import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  JobManager,
  type Entry,
  type JobError,
  type JobHandle,
  type MachineDefinition,
  type OpenOptions,
  type SetupInput,
  type pipelineJob,
} from 'jobwright';
import { MongoClient, type Db } from 'mongodb';
import { afterAll, beforeAll, expect } from 'vitest';
import { checkHistory } from '../support/checkHistory.ts';
import { testDatabase } from '../support/database.ts';
import { readDatabase } from '../support/rawDatabase.ts';

/** The id of the pipeline that every world has. */
export const pipeline = '3a1c0f52-6a7e-5d9b-8a35-1f0c7c1d2e3f';

/** The collections that may hold links, unless one says otherwise. */
export const linkedCollections = ['experiments', 'samples', 'measurements', 'files', 'references'];

export type PipelineJobHandle = JobHandle<(typeof pipelineJob)['events']>;

/** A database of its own with a manager on it, for the tests of one file. */
export interface World {
  /** The manager that most tests need; more by `open`. */
  readonly manager: JobManager;
  readonly db: Db;
  /** What every manager of this world is opened with. */
  readonly options: {
    readonly mongodb: string;
    readonly database: string;
    readonly secrets: string;
    readonly home: string;
    readonly archiveRoot: string;
    readonly logLevel: 'silent';
    readonly now: () => number;
  };
  /** A token of the admin ada. */
  readonly adminToken: string;
  /** Opens another manager on the same database, closed with the world. */
  open<const Machines extends readonly MachineDefinition[] = readonly []>(
    options?: OpenOptions<Machines>,
  ): Promise<JobManager<Machines>>;
  /** Sets up a pipeline job that no other test has. */
  newJob(input?: SetupInput): Promise<PipelineJobHandle>;
  /** A job as the admin ada has it. */
  asAdmin(id: string): Promise<PipelineJobHandle>;
  /** Moves the clock of every manager of this world, which else follows the machine's. */
  passTime(milliseconds: number): void;
  /** Everything that is stored about a job, or about all: commits, effects, claims, documents. */
  stored(job?: string): Promise<Record<string, unknown[]>>;
  /** Does what is due in these managers and the first one, then looks through the whole database. */
  expectSound(...others: readonly JobManager[]): Promise<void>;
  /** Expects a refusal by this class that stores nothing about the job, or about any. Resolves to the error. */
  refusal<E extends JobError>(
    job: string | undefined,
    kind: new (...given: never[]) => E,
    attempt: () => unknown,
  ): Promise<E>;
}

/** Gives a test file its world; call it where hooks may be registered. */
export function useWorld({ frozenAt }: { readonly frozenAt?: string } = {}): World {
  const { uri, database } = testDatabase();
  const managers: { close(): Promise<void> }[] = [];
  let passed = 0;
  const now = (): number => (frozenAt ? Date.parse(frozenAt) : Date.now()) + passed;
  let manager: JobManager;
  let options: World['options'];
  let client: MongoClient;
  let jobs = 0;

  beforeAll(async () => {
    const home = await mkdtemp(join(tmpdir(), 'jobwright-scenario-'));
    options = {
      mongodb: uri,
      database,
      secrets: `k1:${randomBytes(32).toString('base64')}`,
      home,
      archiveRoot: join(home, 'archive'),
      logLevel: 'silent',
      now,
    };
    client = await new MongoClient(uri).connect();
    manager = await world.open();
    await manager.pipelines.put(pipeline, { name: 'Tacobot' });
  });
  afterAll(async () => {
    for (const each of managers) await each.close();
    await client.close();
    await rm(options.home, { recursive: true, force: true });
  });

  const world: World = {
    get manager() {
      return manager;
    },
    get db() {
      return client.db(database);
    },
    get options() {
      return options;
    },
    get adminToken() {
      return manager.issueToken({ kind: 'admin', subject: 'ada' }).token;
    },
    async open(more = {}) {
      const opened = await JobManager.open({ ...options, ...more });
      managers.push(opened);
      return opened;
    },
    newJob: (input = {}) =>
      manager.setup('pipelineJob', { pipeline, data: { number: (jobs += 1) }, ...input }),
    asAdmin: (id) => manager.job(id, { token: world.adminToken }),
    passTime: (milliseconds) => void (passed += milliseconds),
    stored: (job) => readStored(client.db(database), job),
    async expectSound(...others) {
      for (const each of [...others, manager]) await each.maintain();
      const raw = await readDatabase(client.db(database), { linkedCollections });
      expect(checkHistory(raw)).toEqual([]);
    },
    async refusal(job, kind, attempt) {
      const before = await world.stored(job);
      const error = await caught(attempt);
      expect(error).toBeInstanceOf(kind);
      expect(await world.stored(job)).toEqual(before);
      return error as InstanceType<typeof kind>;
    },
  };
  return world;
}

/** What a call throws or rejects with; fails where it does not. */
export async function caught(attempt: () => unknown): Promise<unknown> {
  let result: unknown;
  try {
    result = await attempt();
  } catch (error) {
    return error;
  }
  throw new Error(`was not refused, but came to ${JSON.stringify(result)}`);
}

/** Of what follows from the log, documents of jobs may lag: they are left out. */
async function readStored(db: Db, job?: string): Promise<Record<string, unknown[]>> {
  const all = async (name: string, filter: object) =>
    (await db.collection(name).find(filter).toArray()).sort((one, other) =>
      JSON.stringify(one._id) < JSON.stringify(other._id) ? -1 : 1,
    );
  const [commits, effects, archives, pipelines] = await Promise.all([
    all('commits', job === undefined ? {} : { '_id.job': job }),
    all('effects', job === undefined ? {} : { job }),
    all('archives', job === undefined ? {} : { job }),
    all('pipelines', {}),
  ]);
  return { commits, effects, archives, pipelines };
}

/** The whole history, however long. */
export async function historyOf(job: Pick<PipelineJobHandle, 'history'>): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await job.history({ after, limit: 500 });
    entries.push(...page.entries);
    after = page.next;
  }
  return entries;
}

/** The names of a history, in order. */
export const namesOf = async (job: Pick<PipelineJobHandle, 'history'>): Promise<string> =>
  (await historyOf(job)).map(({ name }) => name).join(' ');
