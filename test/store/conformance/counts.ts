import { describe, expect, it } from 'vitest';
import type { StateCount } from '../../../src/store/store.ts';
import { sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

const change = (state: string, jobs: number, type = 'pipelineJob'): StateCount => ({
  ...{ type, state, jobs },
});
const mark = (version: number, upTo = version, beyond: number[] = []) => ({
  ...{ version, upTo, beyond },
});
const sorted = (counts: readonly StateCount[]): string[] =>
  counts.map(({ type, state, jobs }) => `${type} ${state} ${jobs}`).sort();

/** Counts of jobs, each commit once however many are at it. */
export function describeCounts(makeStore: MakeStore): void {
  describe('count, readCountMark, readCounts and readCountedLog', () => {
    const store = useFreshStore(makeStore);
    const read = async () => sorted(await store().readCounts());

    it('has nothing in the beginning', async () => {
      expect(await read()).toEqual([]);
      expect(await store().readCountMark('one')).toBeNull();
      expect(await store().readCountedLog()).toEqual({ counts: [], marks: new Map() });
    });

    it('adds up what all processes have counted, by machine and state', async () => {
      await store().count('one', mark(1), [change('CREATED', 5), change('open', 2, 'lamp')]);
      await store().count('one', mark(2), [change('CREATED', -1), change('RUNNING', 1)]);
      await store().count('two', mark(1), [change('CREATED', -3), change('RUNNING', 3)]);
      expect(await read()).toEqual([
        'lamp open 2',
        'pipelineJob CREATED 1',
        'pipelineJob RUNNING 4',
      ]);
    });

    it('leaves out a state that no job is in any more', async () => {
      await store().count('one', mark(1), [change('CREATED', 1)]);
      await store().count('two', mark(1), [change('CREATED', -1), change('RUNNING', 1)]);
      expect(await read()).toEqual(['pipelineJob RUNNING 1']);
    });

    it('adds several changes of one state up', async () => {
      const changes = [change('a', 2), change('a', 3), change('b', 1), change('b', -1)];
      await store().count('one', mark(1), changes);
      expect(await read()).toEqual(['pipelineJob a 5']);
    });

    it('changes nothing unless the mark before is the one that is there', async () => {
      const changes = [change('CREATED', 1)];
      expect(await store().count('one', mark(2), changes)).toBe(false);
      expect(await store().count('one', mark(1), changes)).toBe(true);
      for (const version of [1, 3]) {
        expect(await store().count('one', mark(version, 9), changes)).toBe(false);
      }
      expect(await store().count('two', mark(1), changes)).toBe(true);
      expect(await store().readCountMark('one')).toEqual(mark(1));
      expect(await read()).toEqual(['pipelineJob CREATED 2']);
    });

    it('lets one of many win who count the same at once', async () => {
      for (const version of [1, 2]) {
        const outcomes = await Promise.all(
          Array.from({ length: 8 }, () => store().count('one', mark(version), [change('a', 1)])),
        );
        expect(outcomes.filter(Boolean)).toHaveLength(1);
      }
      expect(await read()).toEqual(['pipelineJob a 2']);
    });

    it('keeps a mark as it was given', async () => {
      const given = mark(1, 4, [6, 9, 7]);
      await store().count('one', given, []);
      expect(await store().readCountMark('one')).toEqual(given);
      const { marks } = await store().readCountedLog();
      expect(marks).toEqual(new Map([['one', given]]));
    });

    it('takes machines and states as they are, whatever texts they are', async () => {
      const texts = ['review.legal', 'a.b|c.d', '$inc', '%0024', 'two words', '', ' ', '__proto__'];
      const changes = [...texts, 'ö\n😀'].flatMap((text) => [
        change(text, 1),
        change(text, 2, text),
      ]);
      await store().count('one', mark(1), changes);
      await store().count('one', mark(2), changes);
      const doubled = changes.map((each) => ({ ...each, jobs: each.jobs * 2 }));
      expect(new Set(await store().readCounts())).toEqual(new Set(doubled));
    });

    it('keeps the counts and the mark of a process that is forgotten, once', async () => {
      await store().beat('one', sometime);
      await store().count('one', mark(1, 3, [5]), [change('CREATED', 2)]);
      await store().count('two', mark(1), [change('CREATED', 1)]);
      await Promise.all([store().forgetProcess('one'), store().forgetProcess('one')]);
      await store().forgetProcess('one');
      expect(await read()).toEqual(['pipelineJob CREATED 3']);
      expect(await store().readCountMark('one')).toMatchObject({ upTo: 3, beyond: [5] });
      expect(sorted((await store().readCountedLog()).counts)).toEqual(['pipelineJob CREATED 3']);
    });

    it('lets a process that was forgotten go on where its mark is', async () => {
      await store().count('one', mark(1, 3, [5]), [change('CREATED', 2)]);
      await store().forgetProcess('one');
      const left = await store().readCountMark('one');
      const next = mark((left?.version ?? 0) + 1, 6);
      expect(await store().count('one', next, [change('CREATED', 1)])).toBe(true);
      expect(await read()).toEqual(['pipelineJob CREATED 3']);
      await store().forgetProcess('one');
      expect(await read()).toEqual(['pipelineJob CREATED 3']);
    });

    it('shows every count whole while it moves on', async () => {
      await store().count('one', mark(1), [change('a', 100)]);
      const seen: number[] = [];
      let isMoving = true;
      const look = async (): Promise<void> => {
        while (isMoving) {
          const counts = await store().readCounts();
          seen.push(counts.reduce((sum, { jobs }) => sum + jobs, 0));
        }
      };
      const looking = look();
      for (let round = 0; round < 10; round += 1) {
        const process = `mover ${round}`;
        await store().count(process, mark(1), [change('a', -1), change('b', 1)]);
        await store().forgetProcess(process);
      }
      isMoving = false;
      await looking;
      expect(new Set(seen)).toEqual(new Set([100]));
    });
  });
}
