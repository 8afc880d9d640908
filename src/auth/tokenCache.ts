import { hash } from 'node:crypto';

/** A bounded memory of what tokens stand for. */
export interface TokenCache<Entry> {
  /** The entry of exactly this token, if it is still remembered. */
  find(token: string): Entry | undefined;
  remember(token: string, entry: Entry): void;
  readonly size: number;
}

/**
 * Remembers at most `limit` tokens, those used lately longest: entries live in a young and an old
 * half, use moves one to the young half, and a full young half replaces the old one.
 *
 * It holds digests, not tokens: a look at the memory shows no token, the size of an entry is
 * bounded, and how long a look-up takes says nothing about a token. The digest costs about as much
 * as the string's own hash would.
 */
export function createTokenCache<Entry>(limit: number): TokenCache<Entry> {
  const half = Math.floor(limit / 2);
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();

  const keep = (digest: string, entry: Entry): void => {
    old.delete(digest);
    if (young.size >= half) {
      old = young;
      young = new Map();
    }
    young.set(digest, entry);
  };

  return {
    find(token) {
      const digest = digestOf(token);
      const recent = young.get(digest);
      if (recent !== undefined) return recent;
      const earlier = old.get(digest);
      if (earlier !== undefined) keep(digest, earlier);
      return earlier;
    },
    remember(token, entry) {
      keep(digestOf(token), entry);
    },
    get size() {
      return young.size + old.size;
    },
  };
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64');
}
