import { describe, expect, it } from 'vitest';
import type { Commit } from '../../../src/store/store.ts';
import {
  buildCommit,
  buildEntry,
  buildRemoval,
  buildSetup,
  buildTombstone,
  collect,
  newJobId,
  sha256,
} from './builders.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

/** A deleted job's data: gone, but for its digests. */
export function describeRedact(makeStore: MakeStore): void {
  describe('redact', () => {
    const store = useSharedStore(makeStore);
    const redacted = (commit: Commit, count = commit.entries.length): Commit => ({
      ...commit,
      entries: commit.entries.map((entry, index) =>
        index >= count || entry.data === null
          ? entry
          : { ...entry, data: null, dataDigest: sha256(entry.data) },
      ),
    });

    it('leaves the digest of the data in every entry below the tombstone, and nothing else changed', async () => {
      const job = newJobId();
      const first = buildCommit({
        job,
        setup: buildSetup(),
        entries: [
          buildEntry({ name: 'create', operation: 'create', data: '{"é":"🙂"}', key: 'k' }),
          buildEntry({ data: null }),
          buildEntry({ effects: [{ type: 'notify', params: { a: 1 } }] }),
        ],
      });
      const second = buildCommit({ job, seq: 4 });
      const tombstone = buildTombstone(job, 5);
      for (const commit of [first, second, tombstone]) await store().append(commit);
      await store().redact(job, 5);
      const expected = [redacted(first), redacted(second), tombstone];
      expect(await store().readCommits(job, 1)).toEqual(expected);
      expect(await collect(store().scanCommits({ job }))).toEqual(expected);
      expect(await store().findKey(job, 'k')).toBe(null);
    });

    it('changes nothing when it is repeated, nor what an earlier life had redacted', async () => {
      const job = newJobId();
      const [first, end] = [buildCommit({ job }), buildTombstone(job, 2)];
      const [again, secondEnd] = [buildCommit({ job, seq: 3 }), buildTombstone(job, 4)];
      for (const commit of [first, end]) await store().append(commit);
      await store().redact(job, 2);
      await store().redact(job, 2);
      expect(await store().readCommits(job, 1)).toEqual([redacted(first), end]);
      for (const commit of [again, secondEnd]) await store().append(commit);
      await store().redact(job, 4);
      const expected = [redacted(first), end, redacted(again), secondEnd];
      expect(await store().readCommits(job, 1)).toEqual(expected);
    });

    it('goes entry by entry where a commit holds the tombstone beside others', async () => {
      const job = newJobId();
      const mixed = buildCommit({ job, entries: [buildEntry(), buildEntry(), buildRemoval()] });
      await store().append(mixed);
      await store().redact(job, 3);
      expect(await store().readCommits(job, 1)).toEqual([redacted(mixed, 2)]);
      await store().redact(job, 3);
      expect(await store().readCommits(job, 1)).toEqual([redacted(mixed, 2)]);
    });

    it('keeps the reason of an earlier deletion', async () => {
      const job = newJobId();
      const first = buildCommit({ job, entries: [buildEntry(), buildRemoval()] });
      const second = buildCommit({ job, seq: 3, entries: [buildEntry(), buildRemoval()] });
      for (const commit of [first, second]) await store().append(commit);
      await store().redact(job, 4);
      expect(await store().readCommits(job, 1)).toEqual([redacted(first, 1), redacted(second, 1)]);
    });

    it('leaves other jobs and later entries alone', async () => {
      const [one, other] = [buildCommit(), buildCommit()];
      const later = buildCommit({ job: one.job, seq: 2 });
      for (const commit of [one, other, later]) await store().append(commit);
      await store().redact(one.job, 2);
      expect(await store().readHead(other.job)).toEqual(other);
      expect(await store().readHead(one.job)).toEqual(later);
      await store().redact(newJobId(), 5);
    });

    it('redacts a log of many commits', async () => {
      const job = newJobId();
      const log = Array.from({ length: 1_200 }, (_, index) => buildCommit({ job, seq: index + 1 }));
      await Promise.all(log.map((commit) => store().append(commit)));
      await store().redact(job, 1_200);
      const read = await store().readCommits(job, 1);
      const full = read.filter(({ entries }) => entries.some(({ data }) => data !== null));
      expect(read).toHaveLength(1_200);
      expect(full).toEqual(log.slice(-1));
    });

    it('still knows a redacted commit, and frees its keys for the next life', async () => {
      const entries = [buildEntry({ key: 'k', keyCount: 1 })];
      const commit = buildCommit({ entries });
      await store().append(commit);
      await store().redact(commit.job, 2);
      expect(await store().append(commit)).toBe('appended');
      expect(await store().findKey(commit.job, 'k')).toBe(null);
      expect(await store().readCommits(commit.job, 1)).toEqual([redacted(commit)]);
      expect(await store().append(buildCommit({ job: commit.job, seq: 2, entries }))).toBe(
        'appended',
      );
    });
  });
}
