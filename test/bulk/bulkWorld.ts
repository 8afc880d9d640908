import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { BulkRequest } from '../../src/bulk/bulkRequest.ts';
import type { BulkOutcome } from '../../src/bulk/outcome.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import type { OpenOptions } from '../../src/jobs/openEngine.ts';
import { testDatabase } from '../support/database.ts';

export const stores = ['memory', 'mongo'] as const;
export type StoreName = (typeof stores)[number];

export const states = [
  'waiting',
  'running',
  'error',
  'complete',
  'cancelled',
  'invalid',
  'deleted',
] as const;
export type State = (typeof states)[number];

const failed = { error: { type: 'crash', message: 'no' } };
/** Events that lead to a state from `waiting`. */
const ways: Readonly<Record<State, readonly { name: string; data?: object }[]>> = {
  waiting: [],
  running: [{ name: 'claim', data: { worker: 'w' } }],
  error: [
    { name: 'claim', data: { worker: 'w' } },
    { name: 'fail', data: failed },
  ],
  complete: [{ name: 'claim', data: { worker: 'w' } }, { name: 'finish' }],
  cancelled: [{ name: 'cancel' }],
  invalid: [{ name: 'claim', data: { worker: 'w' } }, { name: 'finish' }, { name: 'invalidate' }],
  deleted: [{ name: 'delete' }],
};

export interface BulkWorld {
  readonly manager: JobManager;
  /** What another manager on the same jobs is opened with. */
  readonly options: OpenOptions;
  /** Records in these states, in this order. */
  records(...wanted: readonly State[]): Promise<string[]>;
  /** A record of these parents, in `waiting` unless told otherwise. */
  child(parents: readonly string[], data?: Readonly<Record<string, unknown>>): Promise<string>;
  stateOf(id: string): Promise<string>;
  /** Names of all entries of a job. */
  namesOf(id: string): Promise<string[]>;
  /** How many entries all jobs have together. */
  logLength(): Promise<number>;
  /** Runs it with a plan, as an admin. */
  run(request: BulkRequest): Promise<readonly BulkOutcome[]>;
}

/** Gives a test file its own jobs on a store; call it where hooks may be registered. */
export function useBulkWorld(name: StoreName, { background = false } = {}): BulkWorld {
  const { uri, database } = testDatabase();
  let manager: JobManager;
  let home = '';
  let options: OpenOptions;
  let made = 0;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'jobwright-bulk-'));
    options = {
      ...(name === 'mongo'
        ? { mongodb: uri, database }
        : { store: { ...createMemoryStore(), close: async () => undefined } }),
      home,
      secrets: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      logLevel: 'silent',
      makeDirectories: false,
      // Else records of workers that nobody has activated would be given back.
      background,
    };
    manager = await JobManager.open(options);
  });
  afterAll(async () => {
    await manager.close();
    await rm(home, { recursive: true, force: true });
  });

  const world: BulkWorld = {
    get manager() {
      return manager;
    },
    get options() {
      return options;
    },
    async records(...wanted) {
      const inputs = wanted.map(() => ({ data: { input: { number: (made += 1) } } }));
      const outcomes = await manager.setupMany('record', inputs);
      return Promise.all(
        outcomes.map(async (each, place) => {
          if (each.outcome === 'refused') throw each.error;
          const way = ways[wanted[place] ?? 'waiting'];
          if (way.length > 0) await each.job.sendAll(way);
          return each.job.id;
        }),
      );
    },
    async child(parents, data = {}) {
      const job = await manager.setup('record', {
        data: { input: { number: (made += 1) }, ...data },
        parents,
      });
      return job.id;
    },
    stateOf: async (id) => (await (await manager.job(id)).refresh()).state,
    async namesOf(id) {
      const commits = await manager.engine.store.readCommits(id, 1);
      return commits.flatMap(({ entries }) => entries.map(({ name: event }) => event));
    },
    async logLength() {
      let entries = 0;
      for await (const commit of manager.engine.store.scanCommits()) {
        entries += commit.entries.length;
      }
      return entries;
    },
    async run(request) {
      const { token } = manager.issueToken({ kind: 'admin', subject: 'ada' });
      const { plan } = await manager.bulk.plan(request, { token });
      const { outcomes } = await manager.bulk.run({ ...request, plan }, { token });
      return outcomes ?? [];
    },
  };
  return world;
}
