import { MongoClient, type Collection } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clientOptions, type CountRecord } from '../../src/store/mongo/collections.ts';
import { createCounts } from '../../src/store/mongo/counts.ts';
import { baseId, foldCounts } from '../../src/store/mongo/foldCounts.ts';
import { testDatabase } from '../support/database.ts';

const { uri, database } = testDatabase();
const client = new MongoClient(uri, clientOptions);
const counts: Collection<CountRecord> = client.db(database).collection('counts');
const store = createCounts({ counts });

beforeAll(async () => void (await client.connect()));
afterAll(() => client.close());
beforeEach(async () => {
  await counts.deleteMany({});
  const beginning = { version: 1, upTo: 0, beyond: [], counts: { 'lamp a': 100 } };
  await counts.insertOne({ _id: baseId, ...beginning, isOpen: true });
});

const mark = (version: number) => ({ version, upTo: version, beyond: [] });
/** So many jobs go from a to b. */
const moves = (jobs: number) => [
  { type: 'lamp', state: 'a', jobs: -jobs },
  { type: 'lamp', state: 'b', jobs },
];
const sums = async () => {
  const both = [await store.readCounts(), (await store.readCountedLog()).counts].map((found) =>
    Object.fromEntries(found.map(({ state, jobs }) => [state, jobs])),
  );
  expect(both[0]).toEqual(both[1]);
  return both[0];
};

/** The collection as a process has it that dies before or after its so many-th change. */
function dyingAt(step: number, side: 'before' | 'after'): Collection<CountRecord> {
  let done = 0;
  return new Proxy(counts, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const method = member.bind(target) as (...given: unknown[]) => Promise<unknown>;
      if (name !== 'updateOne') return method;
      return async (...given: unknown[]) => {
        done += 1;
        if (done === step && side === 'before') throw new Error('killed');
        const answer = await method(...given);
        if (done === step) throw new Error('killed');
        return answer;
      };
    },
  });
}

const deaths = [1, 2, 3].flatMap((step) =>
  (['before', 'after'] as const).map((side) => ({ step, side })),
);

describe('what a process has counted', () => {
  it.each(deaths)(
    'is neither lost nor doubled if who folds it dies $side step $step',
    async ({ step, side }) => {
      await store.count('one', mark(1), moves(10));
      await expect(foldCounts({ counts: dyingAt(step, side) }, 'one')).rejects.toThrow('killed');
      expect(await sums()).toEqual({ a: 90, b: 10 });
      await foldCounts({ counts }, 'one');
      expect(await sums()).toEqual({ a: 90, b: 10 });
      expect(await counts.countDocuments({ isOpen: true })).toBe(1);
      expect(await store.readCountMark('one')).toEqual(mark(1));
    },
  );

  it.each(deaths)(
    'goes on from there if the process wakes after who folds it died $side step $step',
    async ({ step, side }) => {
      await store.count('one', mark(1), moves(10));
      await expect(foldCounts({ counts: dyingAt(step, side) }, 'one')).rejects.toThrow('killed');
      expect(await store.count('one', mark(2), moves(5))).toBe(true);
      expect(await sums()).toEqual({ a: 85, b: 15 });
      // Another one's turn sees to what was left undone.
      await store.count('two', mark(1), moves(1));
      await foldCounts({ counts }, 'two');
      expect(await sums()).toEqual({ a: 84, b: 16 });
      await foldCounts({ counts }, 'one');
      expect(await sums()).toEqual({ a: 84, b: 16 });
      expect(await counts.countDocuments({ isOpen: true })).toBe(1);
    },
  );

  it('is there once at any moment, while many fold and the processes count on', async () => {
    const processes = ['one', 'two', 'three'];
    const rounds = 12;
    let isOver = false;
    const totals = new Set<number>();
    const watching = (async () => {
      while (!isOver)
        totals.add((await store.readCounts()).reduce((sum, { jobs }) => sum + jobs, 0));
    })();
    const work = processes.map(async (process) => {
      for (let version = 1; version <= rounds; version += 1) {
        expect(await store.count(process, mark(version), moves(1))).toBe(true);
        if (version % 3 === 0) await foldCounts({ counts }, process);
      }
    });
    const folders = [1, 2, 3].map(async () => {
      for (let round = 0; round < rounds; round += 1) {
        for (const process of processes) await foldCounts({ counts }, process);
      }
    });
    await Promise.all([...work, ...folders]);
    isOver = true;
    await watching;
    for (const process of processes) await foldCounts({ counts }, process);
    expect(totals).toEqual(new Set([100]));
    expect(await sums()).toEqual({ a: 100 - 3 * rounds, b: 3 * rounds });
    expect(await counts.countDocuments({ isOpen: true })).toBe(1);
  });
});
