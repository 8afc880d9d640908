import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countMoves, type Move } from '../../src/jobs/countMoves.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import type { CountMark, Store } from '../../src/store/store.ts';

const states = ['a', 'b', 'c'] as const;
const state = fc.constantFrom(null, ...states);
const move = (nonce: number, from: string | null, to: string | null): Move => ({
  ...{ nonce, type: 'lamp', from, to },
});
const countsOf = async (store: Store): Promise<Record<string, number>> =>
  Object.fromEntries((await store.readCounts()).map(({ state: at, jobs }) => [at, jobs]));

/** What moves come to, worked out as plainly as can be. */
function sumOf(moves: readonly Move[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { from, to } of moves) {
    if (from !== null) sums[from] = (sums[from] ?? 0) - 1;
    if (to !== null) sums[to] = (sums[to] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(sums).filter(([, sum]) => sum !== 0));
}

describe('countMoves', () => {
  it('counts each move once, whoever else counts it and in whatever order', async () => {
    const store = createMemoryStore();
    const moves = [move(1, null, 'a'), move(2, null, 'a'), move(5, 'a', 'b')];
    await countMoves(store, 'one', [moves[2] as Move]);
    await Promise.all([countMoves(store, 'one', moves), countMoves(store, 'one', moves)]);
    expect(await countsOf(store)).toEqual({ a: 1, b: 1 });
  });

  it('forgets the nonces of what is settled, and keeps those beyond it', async () => {
    const store = createMemoryStore();
    const moves = [move(3, null, 'a'), move(5, null, 'a'), move(9, null, 'b')];
    await countMoves(store, 'one', moves);
    expect(await store.readCountMark('one')).toEqual({ version: 1, upTo: 0, beyond: [3, 5, 9] });
    const mark = await countMoves(store, 'one', [move(7, null, 'c')], { settledUpTo: 7 });
    expect(mark).toEqual({ version: 2, upTo: 7, beyond: [9] });
    expect(await store.readCountMark('one')).toEqual(mark);
  });

  it('writes nothing where all is counted', async () => {
    const store = createMemoryStore();
    const mark = await countMoves(store, 'one', [move(1, null, 'a')], { settledUpTo: 1 });
    expect(await countMoves(store, 'one', [move(1, null, 'a')], { settledUpTo: 8 })).toEqual(mark);
  });

  it('adds up to what the log comes to, however processes and repairs overtake each other', async () => {
    const log = fc.array(fc.record({ from: state, to: state }), { minLength: 1, maxLength: 12 });
    const step = fc.record({
      /** Which of the moves this one has seen, and whether it is the process itself. */
      seen: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      isOwner: fc.boolean(),
      isForgotten: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), log, fc.array(step), async (scheduler, moved, steps) => {
        const store = createMemoryStore();
        const scheduled = {
          count: scheduler.scheduleFunction<Parameters<Store['count']>, boolean>((...given) =>
            store.count(...given),
          ),
          readCountMark: scheduler.scheduleFunction((process: string) =>
            store.readCountMark(process),
          ),
        };
        const moves = moved.map(({ from, to }, index) => move(index + 1, from, to));
        let own: CountMark | null = null;
        // The process itself does one thing after another, repairs come in between.
        let owner = Promise.resolve();
        const repairs: Promise<unknown>[] = [];
        for (const { seen, isOwner, isForgotten } of steps) {
          const some = moves.filter((_move, index) => seen[index]);
          const settledUpTo = seen.indexOf(false);
          if (isForgotten)
            repairs.push(
              scheduler.schedule(Promise.resolve()).then(() => store.forgetProcess('one')),
            );
          if (!isOwner) repairs.push(countMoves(scheduled, 'one', some));
          else {
            owner = owner.then(async () => {
              own = await countMoves(scheduled, 'one', some, { settledUpTo, mark: own });
            });
          }
        }
        await scheduler.waitFor(Promise.all([owner, ...repairs]));
        await countMoves(store, 'one', moves);
        expect(await countsOf(store)).toEqual(sumOf(moves));
      }),
    );
  });
});
