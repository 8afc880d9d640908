import { describe, expect, it } from 'vitest';
import { InvalidData } from '../../../src/errors.ts';
import type { Commit, CommitWatch, WatchedItem } from '../../../src/store/store.ts';
import { buildCommit, buildEntry, collect, newJobId } from './builders.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

type WatchedCommit = Extract<WatchedItem, { commit: Commit }>;

const buildLog = (length: number, job = newJobId()): Commit[] =>
  Array.from({ length }, (_each, index) =>
    buildCommit({ job, seq: 2 * index + 1, entries: [buildEntry(), buildEntry()] }),
  );

/** The next commits of a watch; fails on a gap. The watch ends with it. */
export async function takeCommits(watch: CommitWatch, count: number): Promise<WatchedCommit[]> {
  const taken: WatchedCommit[] = [];
  for await (const item of watch) {
    if ('gap' in item) throw new Error('a gap');
    if ('commit' in item) taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

/** Following the log as it grows. */
export function describeWatch(makeStore: MakeStore): void {
  describe('watch', () => {
    const store = useSharedStore(makeStore);
    const { signal } = new AbortController();
    const append = async (log: readonly Commit[]): Promise<void> => {
      for (const commit of log) await store().append(commit);
    };
    const commitsOf = (items: readonly WatchedCommit[]) => items.map(({ commit }) => commit);

    it('gives every commit appended since it began, whole and in order', async () => {
      await append(buildLog(1));
      const watch = await store().watch({ signal });
      const log = buildLog(5);
      await append(log);
      expect(commitsOf(await takeCommits(watch, 5))).toEqual(log);
    });

    it('gives what is appended while it waits', async () => {
      const watch = await store().watch({ signal });
      const taking = takeCommits(watch, 2);
      const log = buildLog(2);
      await append(log);
      expect(commitsOf(await taking)).toEqual(log);
    });

    it('keeps the order of each job, whoever else writes', async () => {
      const watch = await store().watch({ signal });
      const logs = Array.from({ length: 8 }, () => buildLog(25));
      await Promise.all(logs.map(append));
      const seen = commitsOf(await takeCommits(watch, 200));
      for (const log of logs) expect(seen.filter(({ job }) => job === log[0]?.job)).toEqual(log);
    });

    it('goes on right after any position it gave, and after its start', async () => {
      const watch = await store().watch({ signal });
      const log = buildLog(4);
      await append(log);
      const seen = await takeCommits(watch, 4);
      const positions = [watch.start, ...seen.map(({ position }) => position)];
      const last = buildCommit();
      await store().append(last);
      for (const [count, after] of positions.entries()) {
        const resumed = await store().watch({ after, signal });
        expect(resumed.start).toBe(after);
        const rest = [...log, last].slice(count);
        expect(commitsOf(await takeCommits(resumed, rest.length))).toEqual(rest);
      }
    });

    it('gives positions that sort as they came, as url-safe texts', async () => {
      const watch = await store().watch({ signal });
      await append(buildLog(12));
      const positions = (await takeCommits(watch, 12)).map(({ position }) => position);
      const all = [watch.start, ...positions];
      expect(all.toSorted()).toEqual(all);
      expect(new Set(all).size).toBe(13);
      expect(all.filter((position) => !/^[A-Za-z0-9_-]+$/.test(position))).toEqual([]);
    });

    it('says that there is nothing more, at a position to go on from', async () => {
      const watch = await store().watch({ signal });
      const [idle] = await takeItems(watch, 1);
      expect(idle).toEqual({ position: expect.any(String) as string, idle: true });
      const resumed = await store().watch({ after: idle?.position ?? '', signal });
      const log = buildLog(1);
      await append(log);
      expect(commitsOf(await takeCommits(resumed, 1))).toEqual(log);
    });

    it('has nothing to say of a redaction', async () => {
      const log = buildLog(2);
      await append(log);
      const watch = await store().watch({ signal });
      await store().redact(log[0]?.job ?? '', 4);
      const next = buildLog(1);
      await append(next);
      expect(commitsOf(await takeCommits(watch, 1))).toEqual(next);
    });

    it('ends where it is aborted: waiting, unread, or before it began', async () => {
      const waiting = new AbortController();
      const watch = await store().watch({ signal: waiting.signal });
      const collecting = collect(watch);
      waiting.abort();
      expect((await collecting).filter((item) => !('idle' in item))).toEqual([]);

      const unread = new AbortController();
      const late = await store().watch({ signal: unread.signal });
      await append(buildLog(3));
      unread.abort();
      expect(await collect(late)).toEqual([]);
      expect(await collect(await store().watch({ signal: unread.signal }))).toEqual([]);
    });

    it.each(['', 'x', 'ff', '00'.repeat(40), '82'.repeat(40), 'a'.repeat(10_000), '{"$gt":""}'])(
      'refuses the malformed position %j',
      async (after) => {
        const watching = store().watch({ after, signal });
        await expect(watching).rejects.toThrow(InvalidData);
        await expect(watching).rejects.toMatchObject({ issues: [{ path: 'after' }] });
      },
    );

    it('ends with the store', async () => {
      const closing = await makeStore();
      const waiting = collect(await closing.watch({ signal }));
      const unread = await closing.watch({ signal });
      await closing.close();
      expect((await waiting).filter((item) => !('idle' in item))).toEqual([]);
      expect(await collect(unread)).toEqual([]);
    });
  });
}

async function takeItems(watch: CommitWatch, count: number): Promise<WatchedItem[]> {
  const taken: WatchedItem[] = [];
  for await (const item of watch) if (taken.push(item) === count) break;
  return taken;
}
