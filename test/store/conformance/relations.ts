import { describe, expect, it } from 'vitest';
import type { Relative } from '../../../src/store/relationStore.ts';
import type { JobDocument } from '../../../src/store/store.ts';
import { buildJob, collect, newJobId } from './builders.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

const child = (parents: readonly string[], more: Partial<JobDocument> = {}): JobDocument =>
  buildJob({ type: 'record', state: 'waiting', links: { child_of: parents }, ...more });

const relative = ({ id, type, state, links }: JobDocument): Relative => ({
  id,
  type,
  state,
  parents: links.child_of ?? [],
});

const byId = (one: { id: string }, other: { id: string }): number => (one.id < other.id ? -1 : 1);

const ids = (count: number): string[] => Array.from({ length: count }, newJobId);

/** Parents and children, as the projection tells. */
export function describeRelations(makeStore: MakeStore): void {
  describe('relations', () => {
    const store = useSharedStore(makeStore);

    it('reads jobs with their parents, those that are there', async () => {
      const [document] = ids(1) as [string];
      const [top, below] = [buildJob(), child([document])];
      await store().project([top, below], []);
      const read = await store().readRelatives([below.id, newJobId(), top.id]);
      expect(read.sort(byId)).toEqual([top, below].map(relative).sort(byId));
      expect(await store().readRelatives([])).toEqual([]);
    });

    it('scans the children of many jobs, each once', async () => {
      const [one, other, none] = ids(3) as [string, string, string];
      const both = child([one, other]);
      const children = [both, child([one]), child([other, none])];
      const stranger = buildJob({ links: { derived_from: [one], acted_on: [other] } });
      await store().project([...children, stranger, child([newJobId()])], []);
      const found = await collect(store().scanChildren([one, other]));
      expect(found.sort(byId)).toEqual(children.map(relative).sort(byId));
      expect(await collect(store().scanChildren([newJobId()]))).toEqual([]);
      expect(await collect(store().scanChildren([]))).toEqual([]);
    });

    it('pages through the children of a job by id', async () => {
      const [parent] = ids(1) as [string];
      const children = Array.from({ length: 7 }, () => child([parent, newJobId()])).sort(byId);
      await store().project(children, []);
      const pages: Relative[][] = [];
      for (let after: string | undefined; pages.length < 4; after = pages.at(-1)?.at(-1)?.id) {
        pages.push(await store().readChildren(parent, { limit: 3, after }));
        if ((pages.at(-1)?.length ?? 0) < 3) break;
      }
      expect(pages.map(({ length }) => length)).toEqual([3, 3, 1]);
      expect(pages.flat()).toEqual(children.map(relative));
    });

    it('counts children by machine and state', async () => {
      const [parent] = ids(1) as [string];
      const states = ['waiting', 'waiting', 'error', 'review.legal|upload'];
      const children = states.map((state) => child([parent], { state }));
      await store().project([...children, child([parent], { type: 'lamp' })], []);
      const counts = await store().countChildren(parent);
      expect(new Set(counts)).toEqual(
        new Set([
          { type: 'record', state: 'waiting', children: 2 },
          { type: 'record', state: 'error', children: 1 },
          { type: 'record', state: 'review.legal|upload', children: 1 },
          { type: 'lamp', state: 'waiting', children: 1 },
        ]),
      );
      expect(await store().countChildren(newJobId())).toEqual([]);
    });

    it('tells whether a child is in another state than these, machine by machine', async () => {
      const [parent] = ids(1) as [string];
      const last = child([parent], { state: 'running' });
      const done = child([parent], { state: 'complete' });
      const lamp = child([parent], { type: 'lamp', state: 'dark' });
      await store().project([last, done, lamp], []);
      const outside = (states: Record<string, string[]>) => store().hasChildOutside(parent, states);
      expect(await outside({ record: ['complete', 'error'] })).toBe(true);
      expect(await outside({ record: ['complete', 'running'] })).toBe(false);
      expect(await outside({ record: ['complete', 'running'], lamp: ['lit'] })).toBe(true);
      expect(await outside({ record: ['complete', 'running'], lamp: ['dark'] })).toBe(false);
      expect(await outside({ constructor: [] })).toBe(false);
      expect(await outside({})).toBe(false);
      await store().project([{ ...last, seq: 2, state: 'error' }], []);
      expect(await outside({ record: ['complete', 'error'] })).toBe(false);
    });

    it('forgets a link that was removed, and a job that is gone', async () => {
      const [parent] = ids(1) as [string];
      const [stays, goes] = [child([parent]), child([parent])];
      await store().project([stays, goes], []);
      await store().project([{ ...stays, seq: 2, links: {} }], []);
      await store().finishRemoval(goes.id, 2);
      expect(await collect(store().scanChildren([parent]))).toEqual([]);
      expect(await store().readChildren(parent, { limit: 9 })).toEqual([]);
      expect(await store().hasChildOutside(parent, { record: [] })).toBe(false);
      expect(await store().readRelatives([goes.id])).toEqual([]);
    });
  });
}
