import { describe, expect, it } from 'vitest';
import type { DatasetDocument, DatasetItem } from '../../../src/store/datasetStore.ts';
import { after, buildJob, newJobId } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

/** What a database may take for its own. */
const odd = { $set: { 'a.b': [null, 1.5] }, '': '$$NOW', 10: 1, 9: 2 };

export const buildDataset = (overrides: Partial<DatasetDocument> = {}): DatasetDocument => ({
  name: 'set',
  description: '',
  type: 'record',
  specifications: {},
  createdAt: after(0),
  updatedAt: after(0),
  ...overrides,
});

const item = (specification: string, entry: string, job = newJobId()): DatasetItem => ({
  specification,
  entry,
  job,
});

/** Datasets: entries × specifications, and which pair is which record. */
export function describeDatasets(makeStore: MakeStore): void {
  describe('datasets', () => {
    const store = useFreshStore(makeStore);

    it('keeps a dataset whole, and leaves the one that has its name', async () => {
      const full = buildDataset({
        description: '$d',
        tag: 'gpu',
        priority: 7,
        specifications: { 'b.$x': odd, a: {} },
      });
      expect(await store().addDataset(full)).toBe(true);
      expect(await store().addDataset({ ...full, description: 'other' })).toBe(false);
      expect(await store().getDataset('set')).toEqual(full);
      expect(await store().getDataset('other')).toBeNull();
    });

    it('lists datasets by name', async () => {
      for (const name of ['c', 'a', 'b']) await store().addDataset(buildDataset({ name }));
      const names = async (page: { limit: number; after?: string }) =>
        (await store().listDatasets(page)).map(({ name }) => name);
      expect(await names({ limit: 2 })).toEqual(['a', 'b']);
      expect(await names({ limit: 2, after: 'b' })).toEqual(['c']);
    });

    it('adds specifications, and leaves those that have their names', async () => {
      await store().addDataset(buildDataset({ specifications: { a: { is: 'first' } } }));
      const added = await store().addSpecifications('set', { a: {}, 'b.c': odd }, after(5));
      expect(added).toEqual(['b.c']);
      expect(await store().getDataset('set')).toMatchObject({
        specifications: { a: { is: 'first' }, 'b.c': odd },
        createdAt: after(0),
        updatedAt: after(5),
      });
      expect(await store().addSpecifications('set', { a: {} }, after(9))).toEqual([]);
      expect((await store().getDataset('set'))?.updatedAt).toEqual(after(5));
      expect(await store().addSpecifications('other', { a: {} }, after(9))).toEqual([]);
    });

    it('adds entries, and leaves those that have their names', async () => {
      const entries = ['b', 'a', 'c'].map((name) => ({ name, data: { ...odd, name } }));
      expect(await store().addEntries('set', entries)).toEqual(['b', 'a', 'c']);
      const more = [
        { name: 'a', data: {} },
        { name: 'd', data: {} },
        { name: 'd', data: { again: true } },
      ];
      expect(await store().addEntries('set', more)).toEqual(['d']);
      expect(await store().addEntries('set', [])).toEqual([]);
      await store().addEntries('set2', [{ name: 'a', data: {} }]);
      const [b, a, c] = entries;
      const d = { name: 'd', data: {} };
      expect(await store().listEntries('set', { limit: 9 })).toEqual([a, b, c, d]);
      expect(await store().listEntries('set', { limit: 2, after: 'a' })).toEqual([b, c]);
      const names = ['d', 'a', 'x'];
      expect(await store().listEntries('set', { limit: 9, names })).toEqual([a, d]);
      expect(await store().listEntries('set', { limit: 9, names, after: 'a' })).toEqual([d]);
      expect(await store().listEntries('set', { limit: 9, names: [] })).toEqual([]);
      expect(await store().countEntries('set')).toBe(4);
      expect(await store().countEntries('se')).toBe(0);
    });

    it('adds entries by the thousands', async () => {
      const entries = Array.from({ length: 5_000 }, (_, n) => ({ name: `e${n}`, data: { n } }));
      expect(await store().addEntries('set', entries)).toHaveLength(5_000);
      expect(await store().countEntries('set')).toBe(5_000);
    });

    it('ties pairs to jobs once', async () => {
      const [one, two, three] = [item('s', 'b'), item('s', 'a'), item('r', 'b')];
      expect(await store().addItems('set', [one, two, three])).toBe(3);
      expect(await store().addItems('set', [item('s', 'a'), item('s', 'c')])).toBe(1);
      expect(await store().addItems('set', [])).toBe(0);
      await store().addItems('set2', [item('s', 'a')]);
      const list = (query: object) => store().listItems('set', { limit: 9, ...query });
      const all = await list({});
      expect(all.slice(0, 3)).toEqual([three, two, one]);
      expect(all).toHaveLength(4);
      expect(await list({ after: three, limit: 2 })).toEqual([two, one]);
      expect(await list({ after: one })).toEqual(all.slice(3));
      expect(await list({ entries: ['b'] })).toEqual([three, one]);
      expect(await list({ specifications: ['r', 'x'] })).toEqual([three]);
      expect(await list({ entries: ['b'], specifications: ['s'] })).toEqual([one]);
      expect(await list({ entries: [] })).toEqual([]);
    });

    it('counts items by specification and state, those that are gone too', async () => {
      const jobs = ['waiting', 'waiting', 'error'].map((state) => buildJob({ state }));
      await store().project(jobs, []);
      const items = jobs.map(({ id }, n) => item('s', `e${n}`, id));
      await store().addItems('set', [...items, item('s', 'gone'), item('r.$', 'e0', jobs[2]?.id)]);
      expect(await store().countItems('set')).toEqual({
        s: { waiting: 2, error: 1, '': 1 },
        'r.$': { error: 1 },
      });
      expect(await store().countItems('other')).toEqual({});
    });

    it('tells which jobs are in a dataset', async () => {
      const [one, other] = [item('s', 'a'), item('s', 'b')];
      await store().addItems('set', [one]);
      await store().addItems('set2', [other]);
      const found = await store().inDatasets([one.job, newJobId(), other.job]);
      expect([...found].sort()).toEqual([one.job, other.job].sort());
      expect((await store().inDatasets([])).size).toBe(0);
    });

    it('unties pairs', async () => {
      const [one, other] = [item('s', 'a'), item('s', 'b')];
      await store().addItems('set', [one, other]);
      expect(await store().removeItems('set', [one, item('x', 'a')])).toBe(1);
      expect(await store().listItems('set', { limit: 9 })).toEqual([other]);
    });

    it('drops a dataset with its entries and items, and no other', async () => {
      for (const name of ['set', 'set2']) {
        await store().addDataset(buildDataset({ name }));
        await store().addEntries(name, [{ name: 'a', data: {} }]);
        await store().addItems(name, [item('s', 'a')]);
      }
      expect(await store().removeDataset('set')).toBe(true);
      expect(await store().removeDataset('set')).toBe(false);
      expect(await store().getDataset('set')).toBeNull();
      expect(await store().countEntries('set')).toBe(0);
      expect(await store().listItems('set', { limit: 9 })).toEqual([]);
      expect(await store().countEntries('set2')).toBe(1);
      expect(await store().listItems('set2', { limit: 9 })).toHaveLength(1);
    });
  });
}
