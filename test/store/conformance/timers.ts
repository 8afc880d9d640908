import { describe, expect, it } from 'vitest';
import { after, buildJob, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

/** Which jobs have a delayed transition that came due. */
export function describeTimers(makeStore: MakeStore): void {
  describe('dueTimers', () => {
    const store = useFreshStore(makeStore);

    it('gives jobs whose time has come, the earliest first', async () => {
      await store().project(
        [
          buildJob({ id: 'now', wakeAt: sometime }),
          buildJob({ id: 'early', wakeAt: after(-2) }),
          buildJob({ id: 'later', wakeAt: after(1) }),
          buildJob({ id: 'before', wakeAt: after(-1) }),
          buildJob({ id: 'never' }),
        ],
        [],
      );
      expect(await store().dueTimers(sometime, 10)).toEqual(['early', 'before', 'now']);
      expect(await store().dueTimers(sometime, 2)).toEqual(['early', 'before']);
      expect(await store().dueTimers(after(-3), 10)).toEqual([]);
    });

    it('follows the document: a timer that moved or went is due no more', async () => {
      const [moved, gone] = [
        buildJob({ id: 'moved', wakeAt: sometime }),
        buildJob({ id: 'gone', wakeAt: sometime }),
      ];
      await store().project([moved, gone], []);
      const { wakeAt: _wakeAt, ...awake } = { ...gone, seq: 2 };
      await store().project([{ ...moved, seq: 2, wakeAt: after(5) }, awake], []);
      expect(await store().dueTimers(sometime, 10)).toEqual([]);
      expect(await store().dueTimers(after(5), 10)).toEqual(['moved']);
    });

    it('forgets the timers of a job that is removed', async () => {
      await store().project([buildJob({ id: 'removed', wakeAt: sometime })], []);
      await store().finishRemoval('removed', 2);
      expect(await store().dueTimers(sometime, 10)).toEqual([]);
    });
  });
}
