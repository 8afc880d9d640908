import { MongoClient, type CommandStartedEvent, type Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import type { Store } from '../../src/store/store.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { testDatabase } from '../support/database.ts';
import { after, buildJob, sometime } from './conformance/builders.ts';

const jobs = 5_000;
const lanes = Array.from({ length: 40 }, (_, index) => `tag ${index}`);

describe('the queue on MongoDB', () => {
  const { uri, database } = testDatabase();
  const client = new MongoClient(uri, { monitorCommands: true });
  let store: Store;

  beforeAll(async () => {
    await client.connect();
    const telemetry = new Telemetry();
    store = await openMongoStore({ mongodb: client, database, linkedCollections: [], telemetry });
    const waiting = Array.from({ length: jobs }, (_, index) => {
      const lane = lanes[index % lanes.length] ?? '';
      const place = { lane, priority: index % 7, since: after(index), readyAt: new Date(0) };
      return buildJob({ queue: place });
    });
    const held = Array.from({ length: 500 }, (_, index) =>
      buildJob({ lease: { worker: `w${index % 5}`, epoch: 1, since: after(index) } }),
    );
    const all = [...waiting, ...held];
    await store.project(all, [], new Set(all.map(({ id }) => id)));
  });
  afterAll(async () => {
    await store.close();
    await client.close();
  });

  /** How the server answers what a read of the store asks it. */
  async function explain(read: () => Promise<unknown>): Promise<{ plan: string; stats: Document }> {
    const commands: Document[] = [];
    const listen = ({ command, commandName }: CommandStartedEvent): void => {
      if (['find', 'distinct', 'aggregate'].includes(commandName)) commands.push(command);
    };
    client.on('commandStarted', listen);
    await read();
    client.off('commandStarted', listen);
    const [{ lsid: _lsid, $db: _db, $clusterTime: _time, ...asked } = {}, ...more] = commands;
    expect(more).toEqual([]);
    const explained = await client.db(database).command({ explain: asked });
    const { queryPlanner, executionStats } = explained as {
      queryPlanner: { winningPlan: Document };
      executionStats: Document;
    };
    return { plan: JSON.stringify(queryPlanner.winningPlan), stats: executionStats };
  }

  it('is read in order from its index, no further than asked and without a document', async () => {
    for (const some of [lanes, lanes.slice(0, 1)]) {
      const query = { lanes: some, now: sometime, limit: 50 };
      const { plan, stats } = await explain(() => store.readQueue(query));
      expect(plan).not.toContain('"SORT"');
      expect(plan).not.toContain('FETCH');
      expect(stats).toMatchObject({ nReturned: 50, totalDocsExamined: 0 });
      expect(stats.totalKeysExamined).toBeLessThanOrEqual(50 + some.length);
    }
  });

  it('tells of its lanes and of holders by a key each', async () => {
    const reads = [
      { read: () => store.listLanes(), keys: lanes.length },
      { read: () => store.listHolders(), keys: 5 },
    ];
    for (const { read, keys } of reads) {
      const { plan, stats } = await explain(read);
      expect(plan).toContain('DISTINCT_SCAN');
      expect(stats).toMatchObject({ totalDocsExamined: 0 });
      expect(stats.totalKeysExamined).toBeLessThanOrEqual(keys + 1);
    }
  });

  it('tells what a worker has without looking at others', async () => {
    const { plan, stats } = await explain(() => store.readHeld('w1', 10));
    expect(plan).not.toContain('"SORT"');
    expect(stats).toMatchObject({ nReturned: 10, totalKeysExamined: 10 });
  });
});
