import { describe, expect, it } from 'vitest';
import type { EffectTask } from '../../../src/store/store.ts';
import { after, buildClaim, buildEffect, minute, newJobId, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

const idsOf = (tasks: readonly EffectTask[]): string[] => tasks.map(({ id }) => id).sort();

/** Claims: under a lease, in order per job, one owner an effect. */
export function describeOutbox(makeStore: MakeStore): void {
  describe('claimEffects', () => {
    const store = useFreshStore(makeStore);

    it('gives what is due, each claim counted as an attempt', async () => {
      const [due, later] = [buildEffect(), buildEffect({ dueAt: after(1) })];
      const done = buildEffect({ status: 'done' });
      await store().project([], [due, later, done]);
      expect(await store().claimEffects(buildClaim('a'))).toEqual([{ ...due, attempts: 1 }]);
      expect(await store().claimEffects(buildClaim('a', { now: after(1) }))).toEqual([
        { ...later, attempts: 1 },
      ]);
    });

    it('gives at most as many as asked for, and the rest to the next claim', async () => {
      const effects = [1, 2, 3, 4, 5].map(() => buildEffect());
      await store().project([], effects);
      const first = await store().claimEffects(buildClaim('a', { limit: 2 }));
      const second = await store().claimEffects(buildClaim('b'));
      expect(first).toHaveLength(2);
      expect(idsOf([...first, ...second])).toEqual(idsOf(effects));
    });

    it('gives of each job only the earliest that is not done', async () => {
      const job = newJobId();
      const places = [
        { seq: 10, index: 0 },
        { seq: 9, index: 1 },
        { seq: 9, index: 0 },
      ];
      const [third, second, first] = places.map((place) => buildEffect({ job, ...place }));
      await store().project(
        [],
        [third, second, first].flatMap((task) => task ?? []),
      );
      for (const expected of [first, second, third]) {
        const claimed = await store().claimEffects(buildClaim('a'));
        expect(claimed.map(({ id }) => id)).toEqual([expected?.id]);
        expect(await store().claimEffects(buildClaim('b'))).toEqual([]);
        await store().completeEffect(expected?.id ?? '', 'a', sometime);
      }
    });

    it('holds back the later ones of a job behind one that waits for its time', async () => {
      const waiting = buildEffect({ dueAt: after(1) });
      await store().project([], [waiting, buildEffect({ job: waiting.job, seq: 2 })]);
      expect(await store().claimEffects(buildClaim('a'))).toEqual([]);
    });

    it('goes past one that is parked', async () => {
      const parked = buildEffect({ status: 'parked' });
      const next = buildEffect({ job: parked.job, seq: 2 });
      const last = buildEffect({ job: parked.job, seq: 3 });
      await store().project([], [parked, next, last]);
      expect(idsOf(await store().claimEffects(buildClaim('a')))).toEqual([next.id]);
      expect(await store().claimEffects(buildClaim('b'))).toEqual([]);
    });

    it('gives those of one job where it is asked for', async () => {
      const [one, other] = [buildEffect(), buildEffect()];
      await store().project([], [one, buildEffect({ job: one.job, seq: 2 }), other]);
      const claim = buildClaim('a', { job: one.job });
      expect(idsOf(await store().claimEffects(claim))).toEqual([one.id]);
      expect(await store().claimEffects(claim)).toEqual([]);
      expect(idsOf(await store().claimEffects(buildClaim('a')))).toEqual([other.id]);
    });

    it('reaches a job whose turn comes after many effects that are held back', async () => {
      const job = newJobId();
      const heldBack = Array.from({ length: 50 }, (_, index) =>
        buildEffect({ job, seq: index + 2, dueAt: after(-minute) }),
      );
      const free = buildEffect();
      await store().project([], [buildEffect({ job, dueAt: after(1) }), ...heldBack, free]);
      const claimed = await store().claimEffects(buildClaim('a', { limit: 1 }));
      expect(idsOf(claimed)).toEqual([free.id]);
    });

    it('keeps everybody off a live lease, its holder too', async () => {
      await store().project([], [buildEffect()]);
      await store().claimEffects(buildClaim('a'));
      const now = after(minute - 1);
      expect(await store().claimEffects(buildClaim('b', { now }))).toEqual([]);
      expect(await store().claimEffects(buildClaim('a', { now }))).toEqual([]);
    });

    it('gives an effect whose lease has ended to another owner', async () => {
      const effect = buildEffect();
      await store().project([], [effect]);
      await store().claimEffects(buildClaim('a'));
      const again = buildClaim('b', { now: after(minute), leaseUntil: after(2 * minute) });
      expect(await store().claimEffects(again)).toEqual([{ ...effect, attempts: 2 }]);
      expect(await store().claimEffects(buildClaim('c', { now: after(minute) }))).toEqual([]);
    });

    it('gives each effect to one of many owners that claim at once', async () => {
      const jobs = Array.from({ length: 12 }, newJobId);
      const firsts = jobs.map((job) => buildEffect({ job }));
      await store().project([], [...firsts, ...jobs.map((job) => buildEffect({ job, seq: 2 }))]);
      const owners = ['a', 'b', 'c', 'd', 'e'];
      const claims = await Promise.all(
        owners.map((owner) => store().claimEffects(buildClaim(owner, { limit: 4 }))),
      );
      const rest = await store().claimEffects(buildClaim('last'));
      const claimed = [...claims.flat(), ...rest];
      expect(idsOf(claimed)).toEqual(idsOf(firsts));
      expect(new Set(claimed.map(({ attempts }) => attempts))).toEqual(new Set([1]));
    });
  });
}
