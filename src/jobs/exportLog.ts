import { JobNotFound } from '../errors.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import { isTombstone, type Commit, type Store } from '../store/store.ts';

/** Stands in an export's first line. */
export const exportFormat = { format: 'jobwright.log', version: 1 } as const;

/** Stands in an export's last line, so that a file that was cut off shows. */
export interface ExportEnd {
  readonly end: true;
  readonly commits: number;
  readonly entries: number;
  /** Ids whose deletion was under way: their earlier entries may still have their data. */
  readonly removing: readonly string[];
}

/**
 * The log as lines of canonical JSON, one commit a line in the order of the log, dates as UTC ISO; the
 * first line names the format, the last one counts. It goes on past what is wrong, so that it can be
 * shown. Rejects with JobNotFound where the one job asked for never was.
 */
export async function* exportLog(
  store: Pick<Store, 'scanCommits' | 'readCommits' | 'pendingEffects'>,
  { job }: { readonly job?: string | undefined } = {},
): AsyncGenerator<string> {
  let [commits, entries] = [0, 0];
  /** Of the life at hand, the first commit that still has data. */
  let withData: number | undefined;
  const removing: string[] = [];
  let current: string | undefined;
  yield lineOf(exportFormat);
  for await (const commit of store.scanCommits(job === undefined ? {} : { job })) {
    if (commit.job !== current) [current, withData] = [commit.job, undefined];
    commits += 1;
    yield commitLine(commit);
    // What is no commit is shown all the same.
    if (!Array.isArray(commit.entries)) continue;
    entries += commit.entries.length;
    if (hasData(commit)) withData ??= commit.seq;
    if (!isTombstone(commit)) continue;
    if (withData !== undefined && (await isRemoving(store, commit, withData))) {
      removing.push(commit.job);
    }
    withData = undefined;
  }
  if (job !== undefined && commits === 0) throw new JobNotFound(job);
  yield lineOf({ end: true, commits, entries, removing } satisfies ExportEnd);
}

/** A commit as it stands in an export. */
export const commitLine = (commit: Commit): string =>
  lineOf({ ...commit, at: isDate(commit.at) ? commit.at.toISOString() : commit.at });

const isDate = (value: unknown): value is Date =>
  value instanceof Date && !Number.isNaN(value.getTime());

const hasData = ({ entries }: Commit): boolean =>
  entries.some(({ data, operation }) => data !== null && operation !== 'remove');

/** What follows a tombstone takes a moment: whether it was still to come, or has come just now. */
async function isRemoving(
  store: Pick<Store, 'readCommits' | 'pendingEffects'>,
  { job, seq, entries }: Commit,
  withData: number,
): Promise<boolean> {
  const pending = await store.pendingEffects(job);
  if (pending.some((task) => task.seq === seq + entries.length - 1)) return true;
  const [now] = await store.readCommits(job, withData, 1);
  return now !== undefined && !hasData(now);
}

function lineOf(value: unknown): string {
  const json = canonicalJson(value, { depth: 64, keys: 10_000_000, bytes: 256 * 1024 * 1024 });
  // A commit that JSON would change is written as it is, and refused by whoever checks it.
  return json.ok ? json.text : JSON.stringify(value);
}
