import type { Collections, CountRecord, Sums } from './collections.ts';

export const baseId = 'base';

type Counts = Pick<Collections, 'counts'>;
type Taken = NonNullable<CountRecord['taken']>;

/**
 * Takes what a process has counted into the base and out of its own document, where its mark stays. Not
 * in a transaction: one that a kill leaves open would block all others for a minute. But step by step,
 * so that whoever reads can tell what is counted where, and anybody can go on where another has stopped:
 * the base takes the sums in and says so; then they go out of the process's document, once; then the base
 * forgets that it has said so. One process at a time.
 */
export async function foldCounts({ counts }: Counts, process: string): Promise<void> {
  for (;;) {
    // In this order: if anything has been taken since the base was read, it is at another version.
    const base = await counts.findOne({ _id: baseId });
    if (base?.taken) {
      await finish({ counts }, base.taken);
      continue;
    }
    const own = await counts.findOne({ _id: process, isOpen: true });
    if (!base || !own) return;
    const taken = { process, version: own.version, counts: own.counts ?? {} };
    const $inc = { version: 1, ...incrementsOf(taken.counts) };
    const before = { _id: baseId, version: base.version };
    const { matchedCount } = await counts.updateOne(before, { $set: { taken }, $inc });
    if (matchedCount === 1) return finish({ counts }, taken);
  }
}

/** Takes out of a process's document what the base has taken in. Each step may be repeated, also late. */
async function finish(
  { counts }: Counts,
  { process, version, counts: sums }: Taken,
): Promise<void> {
  const left = { _id: process, cleared: { $not: { $gte: version } } };
  const { matchedCount } = await counts.updateOne(
    { ...left, version },
    {
      $set: { cleared: version, goneAt: new Date() },
      $unset: { counts: 1 as const, isOpen: 1 as const },
    },
  );
  if (matchedCount === 0) {
    // It was not gone, and has counted more meanwhile: that stays.
    const $inc = incrementsOf(sums, -1);
    const change = Object.keys($inc).length > 0 && { $inc };
    await counts.updateOne(left, { $set: { cleared: version }, ...change });
  }
  const isSaid = { _id: baseId, 'taken.process': process, 'taken.version': version };
  await counts.updateOne(isSaid, { $unset: { taken: 1 as const } });
}

/** None where there is nothing to change. */
export function incrementsOf(sums: Sums, factor = 1): Record<`counts.${string}`, number> {
  const changed = Object.entries(sums).filter(([, sum]) => sum !== 0);
  return Object.fromEntries(changed.map(([key, sum]) => [`counts.${key}`, sum * factor]));
}
