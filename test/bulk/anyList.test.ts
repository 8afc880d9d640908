import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLong } from '../support/waitUntil.ts';
import { states, useBulkWorld } from './bulkWorld.ts';

const known = [...states, ...states];
/** A place among known records, or what is none. */
const target = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: known.length - 1 }) },
  { weight: 1, arbitrary: fc.constantFrom('', 'nobody', 'x\u0000y', 'z'.repeat(300)) },
);
const request = fc.record({
  op: fc.constantFrom('cancel', 'uncancel', 'reset', 'delete', 'undelete', 'invalidate', 'comment'),
  targets: fc.array(target, { minLength: 1, maxLength: 30 }),
  isHard: fc.boolean(),
  scope: fc.constantFrom('self' as const, 'usual' as const, 'component' as const),
});

describe('an operation on any list of ids', () => {
  const world = useBulkWorld('memory');

  it('has one outcome for each index, as its plan foretells, and counts that add up', async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ op, targets, isHard, scope }) => {
        const records = await world.records(...known);
        const ids = targets.map((each) =>
          typeof each === 'number' ? (records[each] ?? '') : each,
        );
        const isForGood = op === 'delete' && isHard;
        const data = isForGood ? { hard: true } : op === 'comment' ? { text: 'x' } : undefined;
        const { token } = world.manager.issueToken({ kind: 'admin', subject: 'ada' });
        const asked = { op, ids, data, scope };
        const plan = await world.manager.bulk.plan(asked, { token });
        const { counts, outcomes = [] } = await world.manager.bulk.run(asked, { token });
        expect(outcomes.map(({ index }) => index)).toEqual(ids.map((_id, index) => index));
        expect(counts).toEqual(plan.counts);
        expect(counts.updated + counts.unchanged + counts.refused).toBe(ids.length);
        for (const kind of ['updated', 'unchanged', 'refused'] as const) {
          expect(outcomes.filter(({ outcome }) => outcome === kind)).toHaveLength(counts[kind]);
        }
        const seen = new Set<string>();
        for (const { index, id, outcome, code } of outcomes) {
          const isRecord = typeof targets[index] === 'number';
          if (isRecord) expect(id).toBe(ids[index]);
          expect(code === 'DUPLICATE').toBe(seen.has(id) && code !== 'INVALID_DATA');
          expect(outcome === 'updated').toBe(code === undefined);
          if (code !== 'INVALID_DATA') seen.add(id);
        }
      }),
      { numRuns: isLong ? 300 : 40 },
    );
  }, 60_000);
});
