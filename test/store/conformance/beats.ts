import { describe, expect, it } from 'vitest';
import type { ProcessBeat } from '../../../src/store/store.ts';
import { after, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

/** Which processes live, by the store's clock. */
export function describeBeats(makeStore: MakeStore): void {
  describe('beat, readBeats and forgetProcess', () => {
    const store = useFreshStore(makeStore);
    const beatOf = async (process: string): Promise<ProcessBeat | undefined> =>
      (await store().readBeats()).beats.find((beat) => beat.process === process);

    it('gives nothing but its clock where nobody has spoken', async () => {
      const { now, beats } = await store().readBeats();
      expect(now).toBeInstanceOf(Date);
      expect(beats).toEqual([]);
    });

    it('keeps how far each process is, and when it said so by the clock it gives', async () => {
      const before = await store().readBeats();
      await store().beat('one', sometime);
      await store().beat('two', after(1));
      const { now, beats } = await store().readBeats();
      expect(beats.map(({ process }) => process).sort()).toEqual(['one', 'two']);
      expect((await beatOf('one'))?.projectedUntil).toEqual(sometime);
      expect((await beatOf('two'))?.projectedUntil).toEqual(after(1));
      for (const { beatAt } of beats) {
        expect(beatAt).toBeInstanceOf(Date);
        expect(beatAt.getTime()).toBeGreaterThanOrEqual(before.now.getTime());
        expect(beatAt.getTime()).toBeLessThanOrEqual(now.getTime());
      }
    });

    it('replaces what a process said before', async () => {
      await store().beat('one', sometime);
      const first = await beatOf('one');
      await store().beat('one', after(5));
      const { beats } = await store().readBeats();
      expect(beats).toHaveLength(1);
      expect(beats[0]?.projectedUntil).toEqual(after(5));
      expect(beats[0]?.beatAt.getTime()).toBeGreaterThanOrEqual(first?.beatAt.getTime() ?? 0);
    });

    it('takes a process by its name whatever that is', async () => {
      await store().beat('$$NOW', sometime);
      expect(await beatOf('$$NOW')).toMatchObject({ process: '$$NOW', projectedUntil: sometime });
    });

    it('forgets a process, and may be asked to again', async () => {
      await store().beat('one', sometime);
      await store().beat('two', sometime);
      await store().forgetProcess('one');
      await store().forgetProcess('one');
      const { beats } = await store().readBeats();
      expect(beats.map(({ process }) => process)).toEqual(['two']);
    });
  });
}
