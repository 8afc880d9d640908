import { describe, expect, it } from 'vitest';
import { after, buildClaim, buildEffect, collect, newJobId, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

const claim = buildClaim('a');

/** What a person or the engine does about effects that nobody runs. */
export function describeOutboxCare(makeStore: MakeStore): void {
  describe('pendingEffects and scanEffects', () => {
    const store = useFreshStore(makeStore);

    it('gives what is due, claimed or parked of one job, in order', async () => {
      const job = newJobId();
      const places = [
        { seq: 10, index: 0 },
        { seq: 9, index: 10 },
        { seq: 9, index: 2, status: 'parked' as const },
        { seq: 9, index: 0 },
        { seq: 8, index: 0, status: 'done' as const },
      ];
      const effects = places.map((place) => buildEffect({ job, ...place }));
      await store().project([], [...effects, buildEffect()]);
      await store().claimEffects(claim);
      const expected = effects.slice(0, 4).toReversed();
      const [first, ...others] = await store().pendingEffects(job);
      expect(first).toEqual({ ...expected[0], attempts: 1 });
      expect(others).toEqual(expected.slice(1));
      expect(await store().pendingEffects(newJobId())).toEqual([]);
    });

    it('scans by status and by job', async () => {
      const job = newJobId();
      const due = buildEffect({ job });
      const parked = buildEffect({ job, seq: 2, status: 'parked' });
      const elsewhere = buildEffect({ status: 'parked' });
      await store().project([], [due, parked, elsewhere]);
      const ids = async (filter: Parameters<typeof scan>[0]) =>
        (await collect(scan(filter))).map(({ id }) => id).sort();
      const scan = (filter: { status?: 'due' | 'done' | 'parked'; job?: string }) =>
        store().scanEffects(filter);
      expect(await ids({})).toEqual([due.id, parked.id, elsewhere.id].sort());
      expect(await ids({ job })).toEqual([due.id, parked.id].sort());
      expect(await ids({ status: 'parked' })).toEqual([parked.id, elsewhere.id].sort());
      expect(await ids({ status: 'parked', job })).toEqual([parked.id]);
      expect(await ids({ status: 'done' })).toEqual([]);
    });
  });

  describe('countEffects', () => {
    const store = useFreshStore(makeStore);

    it('counts what is due, claimed or waiting too, and what is parked', async () => {
      expect(await store().countEffects()).toEqual({ due: 0, parked: 0 });
      const waiting = buildEffect({ dueAt: after(9_000) });
      const [parked, done] = [buildEffect({ status: 'parked' }), buildEffect({ status: 'done' })];
      await store().project([], [buildEffect(), waiting, parked, done]);
      await store().claimEffects(claim);
      expect(await store().countEffects()).toEqual({ due: 2, parked: 1 });
    });
  });

  describe('reviveEffect', () => {
    const store = useFreshStore(makeStore);

    it.each([
      { what: 'a parked effect', overrides: { status: 'parked' as const } },
      { what: 'an effect that waits for its time', overrides: { dueAt: after(9_000) } },
    ])('makes $what due now, its attempts counted anew', async ({ overrides }) => {
      const effect = buildEffect({ attempts: 7, error: 'no', ...overrides });
      await store().project([], [effect]);
      expect(await store().claimEffects(claim)).toEqual([]);
      expect(await store().reviveEffect(effect.id, sometime)).toBe(true);
      const [revived] = await store().pendingEffects(effect.job);
      expect(revived).toMatchObject({ status: 'due', dueAt: sometime, attempts: 0 });
      const [again] = await store().claimEffects(claim);
      expect(again).toMatchObject({ id: effect.id, attempts: 1 });
    });

    it('makes a claimed effect that was parked claimable again', async () => {
      const effect = buildEffect();
      await store().project([], [effect]);
      await store().claimEffects(claim);
      await store().failEffect(effect.id, 'a', 'no', null);
      expect(await store().reviveEffect(effect.id, sometime)).toBe(true);
      expect(await store().claimEffects(claim)).toHaveLength(1);
    });

    it('says that there was none where it is done or unknown', async () => {
      const done = buildEffect({ status: 'done' });
      await store().project([], [done]);
      expect(await store().reviveEffect(done.id, sometime)).toBe(false);
      expect(await store().reviveEffect('none:1:0', sometime)).toBe(false);
      expect(await collect(store().scanEffects({}))).toEqual([done]);
    });

    it('never lets an effect that is running run a second time at once', async () => {
      const effect = buildEffect();
      await store().project([], [effect]);
      await store().claimEffects(claim);
      await store().reviveEffect(effect.id, after(1));
      expect(await store().claimEffects({ ...claim, owner: 'b', now: after(2) })).toEqual([]);
    });
  });

  describe('releaseEffects', () => {
    const store = useFreshStore(makeStore);

    it('ends the leases of one owner, with their attempts counted', async () => {
      const [one, other] = [buildEffect(), buildEffect()];
      await store().project([], [one]);
      await store().claimEffects(claim);
      await store().project([], [other]);
      await store().claimEffects({ ...claim, owner: 'b' });
      await store().releaseEffects('a');
      const again = await store().claimEffects({ ...claim, owner: 'c' });
      expect(again).toEqual([{ ...one, attempts: 2 }]);
    });

    it('takes no more word from an owner whose leases it ended', async () => {
      const effect = buildEffect();
      await store().project([], [effect]);
      await store().claimEffects(claim);
      await store().releaseEffects('a');
      await store().completeEffect(effect.id, 'a', sometime);
      await store().failEffect(effect.id, 'a', 'late', null);
      expect(await store().pendingEffects(effect.job)).toEqual([{ ...effect, attempts: 1 }]);
    });

    it('leaves what is done or parked as it is, and may be repeated', async () => {
      const [done, parked] = [buildEffect(), buildEffect()];
      await store().project([], [done, parked]);
      await store().claimEffects(claim);
      await store().completeEffect(done.id, 'a', sometime);
      await store().failEffect(parked.id, 'a', 'no', null);
      const before = await collect(store().scanEffects({}));
      await store().releaseEffects('a');
      await store().releaseEffects('nobody');
      expect(await collect(store().scanEffects({}))).toEqual(before);
    });
  });

  describe('dropEffects', () => {
    const store = useFreshStore(makeStore);

    it('marks what is not done up to a seq as done, and leaves the rest', async () => {
      const job = newJobId();
      const dropped = [
        buildEffect({ job, status: 'parked' }),
        buildEffect({ job, seq: 2 }),
        buildEffect({ job, seq: 3, dueAt: after(5) }),
      ];
      const later = buildEffect({ job, seq: 4 });
      const elsewhere = buildEffect();
      await store().project([], [...dropped, later, elsewhere]);
      await store().dropEffects(job, 3, sometime);
      expect(await store().pendingEffects(job)).toEqual([later]);
      expect(await store().pendingEffects(elsewhere.job)).toEqual([elsewhere]);
      const done = await collect(store().scanEffects({ status: 'done' }));
      expect(done.map(({ id }) => id).sort()).toEqual(dropped.map(({ id }) => id).sort());
    });

    it('is not undone by the owner of a claim', async () => {
      const effect = buildEffect();
      await store().project([], [effect]);
      await store().claimEffects(claim);
      await store().dropEffects(effect.job, 1, sometime);
      await store().failEffect(effect.id, 'a', 'late', sometime);
      await store().failEffect(effect.id, 'a', 'late', null);
      await store().completeEffect(effect.id, 'a', sometime);
      expect(await store().pendingEffects(effect.job)).toEqual([]);
      const [task] = await collect(store().scanEffects({ job: effect.job }));
      expect(task).toMatchObject({ id: effect.id, status: 'done' });
    });

    it('may be repeated, and asked for where there is nothing', async () => {
      const effect = buildEffect();
      await store().project([], [effect]);
      await store().dropEffects(effect.job, 1, sometime);
      await store().dropEffects(effect.job, 1, sometime);
      await store().dropEffects(newJobId(), 1, sometime);
      expect(await store().pendingEffects(effect.job)).toEqual([]);
    });
  });
}
