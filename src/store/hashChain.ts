import { hash } from 'node:crypto';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { Commit, JobSetup, StoredEntry } from './store.ts';

/** The hash in front of an id's first entry. */
export const firstHash = '0'.repeat(64);

/**
 * SHA-256 in hex over the hash before and every field of an entry, its data as a digest: so the chain
 * still verifies after a deletion has removed the data. A list of texts as JSON, hence unambiguous.
 */
export function entryHash(
  previous: string,
  commit: Pick<Commit, 'job' | 'type' | 'typeVersion' | 'at' | 'setup'>,
  seq: number,
  entry: Omit<StoredEntry, 'hash'>,
): string {
  const { name, operation = '', from, to, actor, tokenId, key = '', keyCount = 0, effects } = entry;
  const fields = [
    previous,
    commit.job,
    seq,
    commit.type,
    commit.typeVersion,
    commit.at.getTime(),
    name,
    operation,
    entryDataDigest(entry),
    from,
    to,
    actor.kind,
    actor.id,
    key,
    keyCount,
    effects ? digest(effects) : '',
    operation === 'create' && commit.setup ? digest(commit.setup) : '',
  ];
  if (tokenId !== undefined) fields.push(tokenId);
  return hash('sha256', JSON.stringify(fields));
}

/** SHA-256 in hex of an entry's data, also after redaction; empty without data. */
export function entryDataDigest({
  data,
  dataDigest,
}: Pick<StoredEntry, 'data' | 'dataDigest'>): string {
  return dataDigest ?? (data === null ? '' : hash('sha256', data));
}

/** Parameters of effects and set-ups were JSON-safe when they were accepted. */
function digest(value: JobSetup | StoredEntry['effects']): string {
  const json = canonicalJson(value, { depth: 64, keys: 1_000_000, bytes: 16_000_000 });
  return hash('sha256', json.ok ? json.text : JSON.stringify(json.issues));
}
