import { describe, expect, it } from 'vitest';
import {
  buildCommit,
  buildEntry,
  buildJob,
  buildRemoval,
  buildTombstone,
  newJobId,
  onePage,
} from './builders.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

/** The end of a job: what its tombstone tells, and that no late document brings it back. */
export function describeRemoval(makeStore: MakeStore): void {
  describe('noteLinks', () => {
    const store = useSharedStore(makeStore);

    it('says in the tombstone how many links there were, and never fewer later', async () => {
      const job = newJobId();
      const mixed = buildCommit({ job, entries: [buildEntry(), buildRemoval()] });
      await store().append(mixed);
      await store().noteLinks(job, 2, 3);
      expect(await store().readHead(job)).toEqual({ ...mixed, linksRemoved: 3 });
      await store().noteLinks(job, 2, 0);
      expect(await store().readHead(job)).toEqual({ ...mixed, linksRemoved: 3 });
      await store().noteLinks(job, 2, 4);
      expect(await store().readHead(job)).toEqual({ ...mixed, linksRemoved: 4 });
    });

    it('says that there were none', async () => {
      const tombstone = buildTombstone(newJobId(), 1);
      await store().append(tombstone);
      await store().noteLinks(tombstone.job, 1, 0);
      expect(await store().readHead(tombstone.job)).toEqual({ ...tombstone, linksRemoved: 0 });
    });

    it('changes nothing where no tombstone stands at that seq', async () => {
      const job = newJobId();
      const log = [buildTombstone(job, 1), buildCommit({ job, seq: 2 }), buildTombstone(job, 3)];
      for (const commit of log) await store().append(commit);
      await store().noteLinks(job, 2, 5);
      await store().noteLinks(job, 9, 5);
      await store().noteLinks(newJobId(), 1, 5);
      expect(await store().readCommits(job, 1)).toEqual(log);
    });
  });

  describe('finishRemoval', () => {
    const store = useSharedStore(makeStore);

    it('drops the document of the life that ended', async () => {
      const job = buildJob({ type: 'ended' });
      await store().project([job], []);
      await store().finishRemoval(job.id, 2);
      expect(await store().readJob(job.id)).toBeNull();
      expect(await store().listJobs({ type: 'ended' }, onePage)).toEqual([]);
      expect(await store().countJobs({ type: 'ended' })).toBe(0);
    });

    it('may be repeated, and asked for where nothing is left', async () => {
      const job = buildJob();
      await store().project([job], []);
      await store().finishRemoval(job.id, 2);
      await store().finishRemoval(job.id, 2);
      await store().finishRemoval(newJobId(), 2);
      expect(await store().readJob(job.id)).toBeNull();
    });

    it('leaves the document of a later life', async () => {
      const next = buildJob({ seq: 3, createdSeq: 3 });
      await store().project([next], []);
      await store().finishRemoval(next.id, 2);
      expect(await store().readJob(next.id)).toEqual(next);
    });

    it('keeps late documents of the ended life out, and lets a new life in', async () => {
      const id = newJobId();
      const late = [1, 4, 5].map((seq) => buildJob({ id, seq }));
      await store().project(late.slice(0, 1), []);
      await store().append(buildTombstone(id, 5));
      await store().finishRemoval(id, 5);
      for (const document of late) {
        await store().project([document], []);
        expect(await store().readJob(id)).toBeNull();
      }
      const next = buildJob({ id, seq: 6, createdSeq: 6 });
      await store().project([next], []);
      await store().project(late, []);
      expect(await store().readJob(id)).toEqual(next);
    });

    it('counts as projected up to the end', async () => {
      const job = buildJob({ seq: 4 });
      await store().project([job], []);
      await store().finishRemoval(job.id, 5);
      expect(await store().projectedSeq(job.id)).toBe(5);
      await store().project([{ ...job, seq: 7 }], []);
      expect(await store().projectedSeq(job.id)).toBe(7);
    });

    it('remembers the latest end when an earlier removal is repeated', async () => {
      const id = newJobId();
      await store().finishRemoval(id, 9);
      await store().finishRemoval(id, 2);
      await store().project([buildJob({ id, seq: 5 })], []);
      expect(await store().readJob(id)).toBeNull();
      expect(await store().projectedSeq(id)).toBe(9);
    });
  });
}
