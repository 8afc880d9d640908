import { InvalidData } from '../errors.ts';
import type { Engine } from './engine.ts';
import { viewEntry, type Entry } from './jobView.ts';
import type { LiveJob } from './liveJob.ts';
import { placeEntries } from './request.ts';

export interface HistoryPage {
  /** Only entries after this seq. Default 0: from the creation on. */
  readonly after?: number | undefined;
  /** 1 to 500. Default 100. */
  readonly limit?: number | undefined;
}

export interface History {
  readonly entries: readonly Entry[];
  /** Give it as `after` for the next page; absent on the last one. */
  readonly next?: number;
}

/** A page of a job's history, oldest first: every event acknowledged before the job was loaded. */
export async function readHistory(
  { store, limits }: Pick<Engine, 'store' | 'limits'>,
  job: LiveJob,
  { after = 0, limit = 100 }: HistoryPage = {},
): Promise<History> {
  checkWhole('after', after, 0, Number.MAX_SAFE_INTEGER);
  checkWhole('limit', limit, 1, limits.page);
  // Entries of an earlier life under the same id are not this job's.
  const from = Math.max(after + 1, job.createdSeq);
  const commits = await store.readCommits(job.id, from, limit + 1);
  const placed = commits.flatMap((commit) => placeEntries(commit)).filter(({ seq }) => seq >= from);
  const page = placed.slice(0, limit);
  const last = page.at(-1);
  return {
    entries: page.map(viewEntry),
    ...(last && placed.length > limit && { next: last.seq }),
  };
}

/** Throws InvalidData unless the value is a whole number within the bounds. */
export function checkWhole(path: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most)
    return;
  throw new InvalidData(path, [{ path, message: `a whole number from ${least} to ${most}` }]);
}
