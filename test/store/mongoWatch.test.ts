import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedMongo, type EmbeddedMongo } from '../../src/embedded/embeddedMongo.ts';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import type { Commit, CommitWatch, Store, WatchedItem } from '../../src/store/store.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { testDatabase } from '../support/database.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { buildAudit, buildCommit, newJobId } from './conformance/builders.ts';
import { takeCommits } from './conformance/watch.ts';

const { signal } = new AbortController();

const open = (mongodb: string, database: string): Promise<Store> =>
  openMongoStore({ mongodb, database, linkedCollections: [], telemetry: new Telemetry() });

/** The next items that tell of something. */
async function take(watch: CommitWatch, count: number): Promise<WatchedItem[]> {
  const taken: WatchedItem[] = [];
  for await (const item of watch) {
    if ('idle' in item) continue;
    if (taken.push(item) === count) break;
  }
  return taken;
}

describe('a watch on MongoDB', () => {
  const { uri, database } = testDatabase();
  let store: Store;
  let client: MongoClient;
  beforeAll(async () => {
    store = await open(uri, database);
    client = await new MongoClient(uri).connect();
  });
  afterAll(async () => {
    await store.close();
    await client.close();
  });

  const anyPosition = async (): Promise<string> => {
    const watch = await store.watch({ signal });
    await store.append(buildCommit());
    const [item] = await takeCommits(watch, 1);
    return item?.position ?? '';
  };

  it('tells of a gap where the place is gone, and goes on from now', async () => {
    const position = await anyPosition();
    const after = `82${'00000001'.repeat(2)}${position.slice(18)}`;
    const watch = await store.watch({ after, signal });
    const commit = buildCommit();
    await store.append(commit);
    const [gap, next] = await take(watch, 2);
    expect(gap).toEqual({ position: expect.stringMatching(/^82[0-9a-f]+$/) as string, gap: true });
    expect(next).toMatchObject({ commit });
    const resumed = await store.watch({ after: gap?.position ?? '', signal });
    expect(await take(resumed, 1)).toEqual([next]);
  });

  it('tells of a gap where the position is of another log', async () => {
    const others = await open(uri, `${database}_other`);
    const foreign = await others.watch({ signal });
    await others.append(buildCommit());
    const [item] = await takeCommits(foreign, 1);
    await client.db(`${database}_other`).dropDatabase();
    await others.close();

    const watch = await store.watch({ after: item?.position ?? '', signal });
    const taking = take(watch, 1);
    await store.append(buildCommit());
    expect(await taking).toEqual([{ position: expect.any(String) as string, gap: true }]);
  });

  it('survives that its cursor is killed', async () => {
    const watch = await store.watch({ signal });
    const log = [1, 2, 3].map(() => buildCommit());
    const [first, ...rest] = log as [Commit, ...Commit[]];
    const items = watch[Symbol.asyncIterator]();
    await store.append(first);
    expect(await items.next()).toMatchObject({ value: { commit: first } });
    await killCursors();
    for (const commit of rest) await store.append(commit);
    for (const commit of rest) expect(await items.next()).toMatchObject({ value: { commit } });
    await items.return?.();
    await waitUntil('it is closed', async () => (await cursors()).length === 0 || 'open', 5_000);
  });

  async function cursors(): Promise<{ cursor: { cursorId: unknown } }[]> {
    const ns = `${database}.commits`;
    const operations = client
      .db('admin')
      .aggregate<{ cursor: { cursorId: unknown } }>([
        { $currentOp: { idleCursors: true, allUsers: true } },
        { $match: { ns, 'cursor.tailable': true } },
      ]);
    return operations.toArray();
  }

  async function killCursors(): Promise<void> {
    const ids = (await cursors()).map(({ cursor }) => cursor.cursorId);
    expect(ids).toHaveLength(1);
    await client.db(database).command({ killCursors: 'commits', cursors: ids });
  }

  it('keeps audit records in a bounded collection, whoever made it', async () => {
    const name = `${database}_audit`;
    const stores = await Promise.all([1, 2, 3].map(() => open(uri, name)));
    for (const each of stores) await each.putAudit(buildAudit());
    expect(await stores[0]?.listAudit(10)).toHaveLength(3);
    const [found] = await client.db(name).listCollections({ name: 'audit' }).toArray();
    expect(found).toMatchObject({ options: { capped: true, size: 16 * 1024 * 1024 } });
    await Promise.all(stores.map((each) => each.close()));
    await client.db(name).dropDatabase();
  });
});

describe('a watch on a MongoDB that goes away', () => {
  let home: string;
  let mongo: EmbeddedMongo;
  let store: Store;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'jobwright-watch-'));
    mongo = await startEmbeddedMongo({ home });
    store = await open(mongo.uri, 'watched');
  });
  afterAll(async () => {
    try {
      await store.close();
    } finally {
      await mongo.stop();
      await rm(home, { recursive: true, force: true });
    }
  });

  it.each([
    ['is killed', async () => void process.kill(mongo.pid, 'SIGKILL')],
    ['steps down', stepDown],
  ])(
    'goes on where it was when the database %s',
    async (_what, disturb) => {
      const watch = await store.watch({ signal });
      const job = newJobId();
      const log = Array.from({ length: 40 }, (_each, index) =>
        buildCommit({ job, seq: index + 1 }),
      );
      const taking = takeCommits(watch, log.length);
      for (const [index, commit] of log.entries()) {
        if (index === 20) await disturb();
        expect(await store.append(commit)).toBe('appended');
      }
      expect((await taking).map(({ commit }) => commit)).toEqual(log);
    },
    60_000,
  );

  async function stepDown(): Promise<void> {
    const client = await new MongoClient(mongo.uri).connect();
    try {
      await client.db('admin').command({ replSetStepDown: 1, force: true });
    } finally {
      await client.close();
    }
  }
});
