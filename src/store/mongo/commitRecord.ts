import type { Commit } from '../store.ts';
import type { CommitRecord } from './collections.ts';

/** A commit as it is stored: its place is its id, its entries' keys stand together for the index. */
export function toCommitRecord({ job, seq, ...rest }: Commit): CommitRecord {
  const keys = rest.entries.flatMap(({ key }) => key ?? []);
  return { _id: { job, seq }, ...rest, ...(keys.length > 0 && { keys }) };
}

/** A stored commit as the engine has it. */
export const toCommit = ({ _id, keys: _keys, ...rest }: CommitRecord): Commit => ({
  job: _id.job,
  seq: _id.seq,
  ...rest,
});

/** About how many bytes it takes, so that a batch stays below the driver's message size. */
export const sizeOf = ({ entries }: CommitRecord): number =>
  entries.reduce((sum, { data }) => sum + 400 + (data === null ? 0 : data.length * 3), 200);
