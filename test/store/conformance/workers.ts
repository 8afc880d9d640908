import { describe, expect, it } from 'vitest';
import { after, buildWorker, minute, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

/** Workers, and until when each is taken to live. */
export function describeWorkers(makeStore: MakeStore): void {
  const store = useFreshStore(makeStore);
  const names = async (...query: Parameters<ReturnType<typeof store>['listWorkers']>) =>
    (await store().listWorkers(...query)).map(({ name }) => name);

  describe('addWorker and getWorker', () => {
    it('keep a worker as it was given', async () => {
      const worker = buildWorker({
        programs: { 'a.b': '1', $x: '2', ['__proto__']: '3' },
        tags: ['b', 'a', '*'],
      });
      expect(await store().addWorker(worker)).toBe(true);
      expect(await store().getWorker('worker')).toEqual(worker);
      expect(await store().getWorker('nobody')).toBeNull();
    });

    it('take a name once for ever, also of many who want it at once', async () => {
      const outcomes = await Promise.all(
        [1, 2, 3, 4].map((number) => store().addWorker(buildWorker({ subject: `s${number}` }))),
      );
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      await store().endWorker('worker', 'inactive', sometime);
      expect(await store().addWorker(buildWorker())).toBe(false);
    });
  });

  describe('listWorkers and workerStatuses', () => {
    it('give workers by name, page by page and by status', async () => {
      for (const name of ['c', 'a', 'd', 'b']) await store().addWorker(buildWorker({ name }));
      await store().endWorker('b', 'lost', sometime);
      expect(await names({ limit: 10 })).toEqual(['a', 'b', 'c', 'd']);
      expect(await names({ limit: 2, after: 'a' })).toEqual(['b', 'c']);
      expect(await names({ limit: 10, status: 'active' })).toEqual(['a', 'c', 'd']);
      expect(await names({ limit: 10, status: 'lost' })).toEqual(['b']);
      expect(await store().workerStatuses(['b', 'a', 'nobody'])).toEqual(
        new Map([
          ['a', 'active'],
          ['b', 'lost'],
        ]),
      );
    });
  });

  describe('beatWorker', () => {
    it('moves the deadline, and never back', async () => {
      await store().addWorker(buildWorker());
      const moved = buildWorker({ beatAt: after(5), deadline: after(2 * minute) });
      expect(await store().beatWorker('worker', after(5), after(2 * minute))).toEqual(moved);
      expect(await store().beatWorker('worker', after(1), after(1))).toEqual(moved);
      expect(await store().getWorker('worker')).toEqual(moved);
    });

    it('adds to the counts of who is active, in the same step', async () => {
      await store().addWorker(buildWorker());
      const more = { claimed: 3, rejected: 0 };
      const worker = await store().beatWorker('worker', after(1), after(minute), more);
      expect(worker).toMatchObject({ beatAt: after(1), counts: { claimed: 3, rejected: 0 } });
      await store().endWorker('worker', 'lost', after(2));
      await store().beatWorker('worker', after(3), after(minute), more);
      expect((await store().getWorker('worker'))?.counts.claimed).toBe(3);
    });

    it('wakes nobody who has ended, or never was', async () => {
      await store().addWorker(buildWorker());
      await store().endWorker('worker', 'inactive', after(1));
      expect(await store().beatWorker('worker', after(2), after(minute))).toBeNull();
      expect(await store().beatWorker('nobody', after(2), after(minute))).toBeNull();
      expect(await store().getWorker('worker')).toEqual(
        buildWorker({ status: 'inactive', endedAt: after(1) }),
      );
    });
  });

  describe('silentWorkers and endWorker', () => {
    it('tell of active workers past their deadline, the longest first', async () => {
      await store().addWorker(buildWorker({ name: 'late', deadline: after(-1) }));
      await store().addWorker(buildWorker({ name: 'later', deadline: after(-2) }));
      await store().addWorker(buildWorker({ name: 'just', deadline: sometime }));
      await store().addWorker(buildWorker({ name: 'gone', deadline: after(-3) }));
      await store().endWorker('gone', 'inactive', sometime);
      expect(await store().silentWorkers(sometime, 10)).toEqual(['later', 'late']);
      expect(await store().silentWorkers(sometime, 1)).toEqual(['later']);
    });

    it('end a worker once', async () => {
      await store().addWorker(buildWorker());
      const ended = await Promise.all(
        [1, 2, 3].map(() => store().endWorker('worker', 'lost', after(1))),
      );
      expect(ended.filter(Boolean)).toHaveLength(1);
      expect(await store().getWorker('worker')).toMatchObject({
        status: 'lost',
        endedAt: after(1),
      });
      expect(await store().endWorker('nobody', 'lost', after(1))).toBe(false);
    });

    it('spare one that has been heard of in the meantime', async () => {
      await store().addWorker(buildWorker({ deadline: after(10) }));
      const onlySilent = { onlySilent: true };
      expect(await store().endWorker('worker', 'lost', after(10), onlySilent)).toBe(false);
      await store().beatWorker('worker', after(10), after(20));
      expect(await store().endWorker('worker', 'lost', after(11), onlySilent)).toBe(false);
      expect(await store().endWorker('worker', 'lost', after(21), onlySilent)).toBe(true);
    });
  });

  describe('countWork', () => {
    it('adds up what many tell at once, also of one that has ended', async () => {
      await store().addWorker(buildWorker());
      await store().endWorker('worker', 'lost', after(1));
      await Promise.all([
        store().countWork('worker', { claimed: 2, rejected: 1 }),
        store().countWork('worker', { claimed: 3, completed: 1, failed: 4, released: 5 }),
        store().countWork('worker', {}),
        store().countWork('nobody', { claimed: 1 }),
      ]);
      expect((await store().getWorker('worker'))?.counts).toEqual({
        ...{ claimed: 5, completed: 1, failed: 4, released: 5, rejected: 1 },
      });
    });
  });
}
