import { MongoClient } from 'mongodb';
import { afterAll, describe, expect, it } from 'vitest';
import { countMoves, moveOf } from '../../src/jobs/countMoves.ts';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import type { Commit, Store } from '../../src/store/store.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { testDatabase } from '../support/database.ts';
import { after, buildCommit, buildEntry, buildTombstone, collect } from './conformance/builders.ts';

const { uri, database } = testDatabase();
const client = new MongoClient(uri);
const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  await client.close();
});

let databases = 0;
/** A database of its own, of which any number of stores are opened. */
function newDatabase() {
  const name = `${database.slice(0, 50)}_${(databases += 1)}`;
  closing.push(() => client.db(name).dropDatabase());
  const open = async (): Promise<Store> => {
    const options = { mongodb: uri, linkedCollections: [], telemetry: new Telemetry() };
    const store = await openMongoStore({ ...options, database: name });
    closing.unshift(() => store.close());
    return store;
  };
  return { open, db: client.db(name) };
}

const commit = (process: string, nonce: number, from: string | null, to: string): Commit =>
  buildCommit({
    process,
    nonce,
    entries: [buildEntry({ from, to: 'between' }), buildEntry({ from: 'between', to })],
  });
const sorted = async (store: Store): Promise<string[]> =>
  (await store.readCounts()).map(({ state, jobs }) => `${state} ${jobs}`).sort();

/** A database with a log and no counts, as one that is older than them. */
async function older() {
  const { open, db } = newDatabase();
  const store = await open();
  const commits = [
    commit('gone', 1, null, 'CREATED'),
    commit('gone', 2, null, 'CREATED'),
    commit('gone', 3, 'CREATED', 'RUNNING'),
    commit('silent', 1, null, 'CREATED'),
    commit('silent', 2, 'RUNNING', 'RUNNING'),
    buildTombstone('a-job', 1),
  ];
  for (const each of commits) await store.append(each);
  await store.beat('silent', after(-1));
  await db.collection('counts').deleteMany({});
  return { open, db };
}

describe('a database that is older than its counts', () => {
  it('gets them from its log when it is opened', async () => {
    const { open } = await older();
    expect(await sorted(await open())).toEqual(['CREATED 2']);
  });

  it('gets them once, however many open it at once', async () => {
    const { open, db } = await older();
    const stores = await Promise.all([1, 2, 3, 4].map(open));
    for (const store of stores) expect(await sorted(store)).toEqual(['CREATED 2']);
    expect(await db.collection('counts').countDocuments({ isOpen: true })).toBe(1);
  });

  it('does not count again what a repair finds of a process that died before', async () => {
    const { open } = await older();
    const store = await open();
    const left = await collect(store.scanCommitsOf('silent', after(-1)));
    expect(left).toHaveLength(2);
    await countMoves(store, 'silent', left.map(moveOf));
    await store.forgetProcess('silent');
    expect(await sorted(store)).toEqual(['CREATED 2']);
  });

  it('is left alone by whoever opens it later', async () => {
    const { open } = newDatabase();
    const first = await open();
    const one = commit('one', 1, null, 'CREATED');
    await first.append(one);
    await open();
    expect(await sorted(first)).toEqual([]);
    await countMoves(first, 'one', [moveOf(one)]);
    expect(await sorted(await open())).toEqual(['CREATED 1']);
  });
});
