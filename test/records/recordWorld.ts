import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobManager, type JobHandle, type OpenOptions, type SetupInput } from 'jobwright';
import { afterAll, beforeAll } from 'vitest';
import type { record } from '../../machines/index.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import type { Store } from '../../src/store/store.ts';
import { testDatabase } from '../support/database.ts';

/** The stores that records are tested on. */
export const storeKinds = ['memory', 'MongoDB'] as const;
export type StoreKind = (typeof storeKinds)[number];

export type RecordHandle = JobHandle<(typeof record)['events']>;

/** Managers on one store, for the tests of one group. */
export interface RecordWorld {
  readonly manager: JobManager;
  /** Another process, as far as the store can tell. */
  open(options?: OpenOptions): Promise<JobManager>;
  /** Sets up a record that no other test has. */
  newRecord(input?: SetupInput): Promise<RecordHandle>;
  /** Has an operator claim it for a worker and end it well, or with an error. */
  run(id: string, outcome?: 'finish' | 'fail'): Promise<void>;
  stateOf(id: string): Promise<string>;
  statesOf(ids: readonly string[]): Promise<string[]>;
}

/** Gives a group of tests its world; call it where hooks may be registered. */
export function useRecordWorld(kind: StoreKind): RecordWorld {
  const { uri, database } = testDatabase();
  const managers: JobManager[] = [];
  let memory: Store;
  let options: OpenOptions;
  let home = '';
  let records = 0;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'jobwright-records-'));
    options = {
      database,
      secrets: `k1:${randomBytes(32).toString('base64')}`,
      home,
      archiveRoot: join(home, 'archive'),
      logLevel: 'silent',
    };
    memory = createMemoryStore();
    await world.open();
  });
  afterAll(async () => {
    for (const each of managers) await each.close();
    await memory.close();
    await rm(home, { recursive: true, force: true });
  });

  const world: RecordWorld = {
    get manager() {
      const [first] = managers;
      if (!first) throw new Error('a world is open only while a test runs');
      return first;
    },
    async open(more = {}) {
      // The store outlives each of its managers.
      const store = { ...memory, close: () => Promise.resolve() };
      const where = kind === 'memory' ? { store } : { mongodb: uri };
      const opened = await JobManager.open({ ...options, ...where, ...more });
      managers.push(opened);
      return opened;
    },
    newRecord: (input = {}) =>
      world.manager.setup('record', { ...input, data: { number: (records += 1), ...input.data } }),
    async run(id, outcome = 'finish') {
      const job = await world.manager.job<'record'>(id);
      const claimed = job.claim({ worker: 'willow' });
      await (outcome === 'finish'
        ? claimed.finish()
        : claimed.fail({ error: { type: 'unknown_error', message: 'no' } }));
    },
    stateOf: async (id) => (await world.manager.job(id)).state,
    statesOf: (ids) => Promise.all(ids.map((id) => world.stateOf(id))),
  };
  return world;
}
