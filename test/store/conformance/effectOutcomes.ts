import { describe, expect, it } from 'vitest';
import type { EffectTask, Store } from '../../../src/store/store.ts';
import { after, buildClaim, buildEffect, collect, minute, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

const onlyTask = async (store: Store, job: string): Promise<EffectTask | undefined> => {
  const [task, ...others] = await collect(store.scanEffects({ job }));
  expect(others).toEqual([]);
  return task;
};

/** What becomes of a claimed effect: done, due again or parked, by the word of its owner alone. */
export function describeEffectOutcomes(makeStore: MakeStore): void {
  describe('completeEffect and failEffect', () => {
    const store = useFreshStore(makeStore);
    const claimed = async (): Promise<EffectTask> => {
      const effect = buildEffect();
      await store().project([], [effect]);
      await store().claimEffects(buildClaim('a'));
      return { ...effect, attempts: 1 };
    };

    it('is done, and claimed no more', async () => {
      const effect = await claimed();
      await store().completeEffect(effect.id, 'a', after(1));
      expect(await onlyTask(store(), effect.job)).toEqual({ ...effect, status: 'done' });
      expect(await store().claimEffects(buildClaim('b', { now: after(2 * minute) }))).toEqual([]);
    });

    it('is due again when it says, with the error', async () => {
      const effect = await claimed();
      await store().failEffect(effect.id, 'a', 'disk full', after(5));
      const waiting = { ...effect, dueAt: after(5), error: 'disk full' };
      expect(await onlyTask(store(), effect.job)).toEqual(waiting);
      expect(await store().claimEffects(buildClaim('b', { now: after(4) }))).toEqual([]);
      const again = await store().claimEffects(buildClaim('b', { now: after(5) }));
      expect(again).toEqual([{ ...waiting, attempts: 2 }]);
    });

    it('is parked where there is no next time, with the error', async () => {
      const effect = await claimed();
      await store().failEffect(effect.id, 'a', 'no such path', null);
      const parked = { ...effect, status: 'parked', error: 'no such path' };
      expect(await onlyTask(store(), effect.job)).toEqual(parked);
      expect(await store().claimEffects(buildClaim('b', { now: after(2 * minute) }))).toEqual([]);
    });

    it('counts the attempts of every claim', async () => {
      const effect = await claimed();
      for (const attempts of [2, 3]) {
        await store().failEffect(effect.id, 'a', 'no', sometime);
        const [again] = await store().claimEffects(buildClaim('a'));
        expect(again?.attempts).toBe(attempts);
      }
    });

    it('changes nothing for an owner that lost its lease', async () => {
      const effect = await claimed();
      await store().claimEffects(
        buildClaim('b', { now: after(minute), leaseUntil: after(2 * minute) }),
      );
      const held = { ...effect, attempts: 2 };
      await store().completeEffect(effect.id, 'a', after(minute));
      await store().failEffect(effect.id, 'a', 'late', sometime);
      await store().failEffect(effect.id, 'a', 'late', null);
      expect(await onlyTask(store(), effect.job)).toEqual(held);
      expect(await store().claimEffects(buildClaim('c', { now: after(minute) }))).toEqual([]);
      await store().completeEffect(effect.id, 'b', after(minute));
      expect(await store().pendingEffects(effect.job)).toEqual([]);
    });

    it('changes nothing for an owner that never held a lease, or gave it back', async () => {
      const effect = await claimed();
      await store().completeEffect(effect.id, 'stranger', sometime);
      await store().failEffect(effect.id, 'stranger', 'no', null);
      await store().failEffect(effect.id, 'a', 'mine', after(5));
      await store().failEffect(effect.id, 'a', 'again', null);
      await store().completeEffect(effect.id, 'a', sometime);
      const expected = { ...effect, dueAt: after(5), error: 'mine' };
      expect(await onlyTask(store(), effect.job)).toEqual(expected);
    });

    it('still takes the word of an owner whose lease has ended but who has no successor', async () => {
      const effect = await claimed();
      await store().completeEffect(effect.id, 'a', after(2 * minute));
      expect(await store().pendingEffects(effect.job)).toEqual([]);
    });

    it('says nothing to an effect that is not there', async () => {
      await store().completeEffect('none:1:0', 'a', sometime);
      await store().failEffect('none:1:0', 'a', 'no', null);
      expect(await collect(store().scanEffects({}))).toEqual([]);
    });
  });
}
