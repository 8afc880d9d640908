import { describe, expect, it } from 'vitest';
import { lastSeq } from '../../../src/store/store.ts';
import { buildCommit, buildEntry, buildSetup, newJobId, onePage } from './builders.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

/** Appending: one total order a job, and a key once. */
export function describeAppend(makeStore: MakeStore): void {
  describe('append', () => {
    const store = useSharedStore(makeStore);

    it('stores a commit whole', async () => {
      const commit = buildCommit({
        setup: buildSetup({ links: { child_of: ['a', 'b'] }, session: 's', tags: ['x', '$y'] }),
        entries: [
          buildEntry({
            name: 'create',
            operation: 'create',
            from: null,
            to: 'CREATED',
            key: 'k',
            keyCount: 2,
            effects: [
              { type: 'notify', params: { $where: 'x', 'a.b': [{ c: null }, 1.5, 'é🙂', '$d'] } },
              { type: 'clearArchive', params: null },
            ],
          }),
          buildEntry({ data: null }),
        ],
      });
      expect(await store().append(commit)).toBe('appended');
      expect(await store().readCommits(commit.job, 1)).toEqual([commit]);
    });

    it.each([1, 2, 57])('takes a first commit at seq %i: the caller counts', async (seq) => {
      const commit = buildCommit({ seq });
      expect(await store().append(commit)).toBe('appended');
      expect(await store().readHead(commit.job)).toEqual(commit);
    });

    it('refuses a seq that another commit has, whoever wrote it', async () => {
      const first = buildCommit();
      const { job, nonce } = first;
      await store().append(first);
      expect(await store().append(buildCommit({ job }))).toBe('conflict');
      expect(await store().append(buildCommit({ job, nonce, process: 'other' }))).toBe('conflict');
      expect(await store().readCommits(job, 1)).toEqual([first]);
    });

    it('says appended again to the very same commit, with and without a key', async () => {
      const keyless = buildCommit();
      const keyed = buildCommit({ entries: [buildEntry({ key: 'k', keyCount: 1 })] });
      for (const commit of [keyless, keyed]) {
        expect(await store().append(commit)).toBe('appended');
        expect(await store().append(commit)).toBe('appended');
        expect(await store().readCommits(commit.job, 1)).toEqual([commit]);
      }
    });

    it('says appended again to the very same commit though others came after it', async () => {
      const first = buildCommit({ entries: [buildEntry({ key: 'k', keyCount: 1 })] });
      await store().append(first);
      await store().append(buildCommit({ job: first.job, seq: 2 }));
      expect(await store().append(first)).toBe('appended');
      expect(await store().readCommits(first.job, 1)).toHaveLength(2);
    });

    it('says repeated to a key that the job has, and stores nothing', async () => {
      const job = newJobId();
      const keyed = (key: string) => [buildEntry(), buildEntry({ key, keyCount: 2 }), buildEntry()];
      const first = buildCommit({ job, entries: keyed('k') });
      const repeat = buildCommit({ job, seq: 4, entries: keyed('k') });
      expect(await store().append(first)).toBe('appended');
      expect(await store().append(repeat)).toBe('repeated');
      expect(await store().append({ ...repeat, process: 'other' })).toBe('repeated');
      expect(await store().readCommits(job, 1)).toEqual([first]);
      expect(await store().append(buildCommit({ job, seq: 4, entries: keyed('l') }))).toBe(
        'appended',
      );
    });

    it('says repeated where only one of several keys is known', async () => {
      const job = newJobId();
      await store().append(buildCommit({ job, entries: [buildEntry({ key: 'a' })] }));
      const entries = [buildEntry({ key: 'b' }), buildEntry({ key: 'a' })];
      expect(await store().append(buildCommit({ job, seq: 2, entries }))).toBe('repeated');
      expect(await store().findKey(job, 'b')).toBeNull();
    });

    it('takes commits that mix entries with and without a key', async () => {
      const job = newJobId();
      for (const seq of [1, 3, 5]) {
        const entries = [buildEntry({ key: `k${seq}`, keyCount: 1 }), buildEntry()];
        expect(await store().append(buildCommit({ job, seq, entries }))).toBe('appended');
      }
      expect(await store().append(buildCommit({ job, seq: 7 }))).toBe('appended');
    });

    it('takes the same key on another job', async () => {
      const entries = [buildEntry({ key: 'shared', keyCount: 1 })];
      expect(await store().append(buildCommit({ entries }))).toBe('appended');
      expect(await store().append(buildCommit({ entries }))).toBe('appended');
    });

    it('says conflict or repeated where both the seq and the key are taken', async () => {
      const entries = [buildEntry({ key: 'k', keyCount: 1 })];
      const first = buildCommit({ entries });
      await store().append(first);
      const outcome = await store().append(buildCommit({ job: first.job, entries }));
      expect(['conflict', 'repeated']).toContain(outcome);
      expect(await store().readCommits(first.job, 1)).toEqual([first]);
    });

    it('takes exactly one of many commits made at once for one seq', async () => {
      const job = newJobId();
      const rivals = Array.from({ length: 20 }, () => buildCommit({ job }));
      const outcomes = await Promise.all(rivals.map((commit) => store().append(commit)));
      const winners = rivals.filter((_, index) => outcomes[index] === 'appended');
      expect(winners).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(19);
      expect(await store().readCommits(job, 1)).toEqual(winners);
    });

    it('takes exactly one of many commits made at once under one key', async () => {
      const job = newJobId();
      const entries = [buildEntry({ key: 'k', keyCount: 1 })];
      const rivals = Array.from({ length: 20 }, (_, index) =>
        buildCommit({ job, seq: index + 1, entries }),
      );
      const outcomes = await Promise.all(rivals.map((commit) => store().append(commit)));
      const winners = rivals.filter((_, index) => outcomes[index] === 'appended');
      expect(winners).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'repeated')).toHaveLength(19);
      expect(await store().readCommits(job, 1)).toEqual(winners);
      expect(await store().findKey(job, 'k')).toEqual(winners[0]);
    });

    it('takes commits of many jobs made at once, each as it is', async () => {
      const commits = Array.from({ length: 100 }, () => buildCommit());
      const outcomes = await Promise.all(commits.map((commit) => store().append(commit)));
      expect(new Set(outcomes)).toEqual(new Set(['appended']));
      const heads = await Promise.all(commits.map(({ job }) => store().readHead(job)));
      expect(heads).toEqual(commits);
    });

    it('takes a chain of a thousand entries as one commit', async () => {
      const entries = Array.from({ length: 1_000 }, () => buildEntry());
      const chain = buildCommit({ entries });
      expect(await store().append(chain)).toBe('appended');
      const head = await store().readHead(chain.job);
      expect(head).toEqual(chain);
      expect(head && lastSeq(head)).toBe(1_000);
    });

    it('keeps what it stored when a caller changes what it gave or got', async () => {
      const commit = buildCommit();
      const kept = structuredClone(commit);
      await store().append(commit);
      Object.assign(commit, { type: 'changed', entries: [] }).at.setTime(0);
      const got = await store().readHead(kept.job);
      expect(got).toEqual(kept);
      if (got) Object.assign(got.entries[0]?.actor ?? {}, { id: 'changed' });
      expect(await store().readHead(kept.job)).toEqual(kept);
    });

    it('leaves the projection alone', async () => {
      const commit = buildCommit({ type: 'never-projected' });
      await store().append(commit);
      expect(await store().readJob(commit.job)).toBeNull();
      expect(await store().listJobs({ type: 'never-projected' }, onePage)).toEqual([]);
    });
  });
}
