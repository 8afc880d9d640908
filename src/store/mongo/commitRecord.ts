import type { Changing } from '../../machine/changing.ts';
import type { Commit } from '../store.ts';
import type { CommitRecord } from './collections.ts';

/** A commit as it is stored: its place is its id, its entries' keys stand together for the index. */
export function toCommitRecord(commit: Commit): CommitRecord {
  const { job, seq, type, typeVersion, at, process, nonce, entries, setup, linksRemoved } = commit;
  let keys: string[] | undefined;
  for (const { key } of entries) if (key !== undefined) (keys ??= []).push(key);
  const record: Changing<CommitRecord> = {
    _id: { job, seq },
    type,
    typeVersion,
    at,
    process,
    nonce,
    entries,
  };
  if (setup) record.setup = setup;
  if (linksRemoved !== undefined) record.linksRemoved = linksRemoved;
  if (keys) record.keys = keys;
  return record;
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
