import { describe, expect, it } from 'vitest';
import type { Commit } from '../../../src/store/store.ts';
import { after, buildCommit, buildEntry, collect, newJobId, sometime } from './builders.ts';
import { type MakeStore, useFreshStore, useSharedStore } from './useStore.ts';

/** A log whose commits hold the entries 3–5, 6 and 7–8. */
const buildLog = (job: string): [Commit, Commit, Commit] => {
  const entries = (count: number) => Array.from({ length: count }, () => buildEntry());
  return [
    buildCommit({ job, seq: 3, entries: entries(3) }),
    buildCommit({ job, seq: 6, entries: entries(1) }),
    buildCommit({ job, seq: 7, entries: entries(2) }),
  ];
};

/** Reading the log back: by place, by key, by process, and all of it. */
export function describeReadCommits(makeStore: MakeStore): void {
  describe('readCommits, readHead and findKey', () => {
    const store = useSharedStore(makeStore);

    it.each([
      { from: 0, found: [0, 1, 2] },
      { from: 1, found: [0, 1, 2] },
      { from: 3, found: [0, 1, 2] },
      { from: 4, found: [0, 1, 2] },
      { from: 5, found: [0, 1, 2] },
      { from: 6, found: [1, 2] },
      { from: 7, found: [2] },
      { from: 8, found: [2] },
      { from: 9, found: [] },
    ])('starts with the commit that holds entry $from, or the next', async ({ from, found }) => {
      const job = newJobId();
      const log = buildLog(job);
      for (const commit of log) await store().append(commit);
      expect(await store().readCommits(job, from)).toEqual(found.map((index) => log[index]));
    });

    it('starts with the next commit where a gap holds no such entry', async () => {
      const [first, , last] = buildLog(newJobId());
      for (const commit of [first, last]) await store().append(commit);
      expect(await store().readCommits(first.job, 6)).toEqual([last]);
    });

    it('gives commits in order of seq, whatever order they were appended in', async () => {
      const log = buildLog(newJobId());
      for (const commit of log.toReversed()) await store().append(commit);
      expect(await store().readCommits(log[0].job, 1)).toEqual(log);
    });

    it('orders seqs as numbers', async () => {
      const job = newJobId();
      for (const seq of [9, 10, 100]) await store().append(buildCommit({ job, seq }));
      const seqs = (await store().readCommits(job, 10)).map(({ seq }) => seq);
      expect(seqs).toEqual([10, 100]);
      expect((await store().readHead(job))?.seq).toBe(100);
    });

    it('gives at most as many commits as asked for', async () => {
      const log = buildLog(newJobId());
      for (const commit of log) await store().append(commit);
      expect(await store().readCommits(log[0].job, 4, 2)).toEqual(log.slice(0, 2));
      expect(await store().readCommits(log[0].job, 6, 1)).toEqual([log[1]]);
    });

    it('gives times as dates, to the millisecond', async () => {
      const commit = buildCommit({ at: after(0) });
      await store().append(commit);
      const [read] = await store().readCommits(commit.job, 1);
      expect(read?.at).toBeInstanceOf(Date);
      expect(read?.at.toISOString()).toBe('2026-02-03T04:05:06.789Z');
    });

    it('gives nothing of a job that never was', async () => {
      const job = newJobId();
      expect(await store().readCommits(job, 1)).toEqual([]);
      expect(await store().readHead(job)).toBeNull();
      expect(await store().findKey(job, 'k')).toBeNull();
      expect(await collect(store().scanCommits({ job }))).toEqual([]);
    });

    it('gives nothing of jobs whose ids only resemble the one asked for', async () => {
      const job = newJobId();
      await store().append(buildCommit({ job: `${job}x` }));
      await store().append(buildCommit({ job: job.slice(0, -1) }));
      expect(await store().readCommits(job, 1)).toEqual([]);
      expect(await store().readHead(job)).toBeNull();
    });

    it('finds the commit that has a key at any of its entries', async () => {
      const job = newJobId();
      const entries = [buildEntry(), buildEntry({ key: 'k', keyCount: 1 })];
      const commit = buildCommit({ job, seq: 2, entries });
      await store().append(buildCommit({ job }));
      await store().append(commit);
      expect(await store().findKey(job, 'k')).toEqual(commit);
      expect(await store().findKey(job, 'l')).toBeNull();
      expect(await store().findKey(newJobId(), 'k')).toBeNull();
    });
  });

  describe('scanCommits', () => {
    const store = useFreshStore(makeStore);

    it('gives every commit of every job, by job, then seq', async () => {
      const ids = [newJobId(), newJobId(), newJobId()].sort();
      const logs = ids.map(buildLog);
      const mixed = [0, 2, 1].flatMap((turn) => logs.flatMap((log) => log[turn] ?? []));
      for (const commit of mixed.toReversed()) await store().append(commit);
      expect(await collect(store().scanCommits())).toEqual(logs.flat());
      expect(await collect(store().scanCommits({}))).toEqual(logs.flat());
      expect(await collect(store().scanCommits({ job: ids[1] ?? '' }))).toEqual(logs[1]);
    });

    it('gives what a process made at or after a time', async () => {
      const byFirst = [0, 1, 2].map((ms) => buildCommit({ process: 'one', at: after(ms) }));
      const bySecond = buildCommit({ process: 'two', at: after(5) });
      for (const commit of [...byFirst, bySecond]) await store().append(commit);
      const nonces = async (process: string, since: Date): Promise<number[]> => {
        const commits = await collect(store().scanCommitsOf(process, since));
        return commits.map(({ nonce }) => nonce).sort((one, other) => one - other);
      };
      expect(await nonces('one', after(1))).toEqual(byFirst.slice(1).map(({ nonce }) => nonce));
      expect(await nonces('one', after(3))).toEqual([]);
      expect(await nonces('two', sometime)).toEqual([bySecond.nonce]);
      expect(await nonces('nobody', sometime)).toEqual([]);
    });
  });
}
