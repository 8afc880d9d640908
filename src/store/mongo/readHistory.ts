import type { Filter } from 'mongodb';
import type { Commit } from '../store.ts';
import type { Collections, CommitRecord } from './collections.ts';
import { toCommit } from './commitRecord.ts';

/**
 * A stretch of one job's log. The range runs over `_id` itself, which orders by job, then seq; the job is
 * named beside it, because a router finds the one shard by an equality and not by a range.
 */
export const logRange = (job: string, from: number, to: number): Filter<CommitRecord> => ({
  '_id.job': job,
  _id: { $gte: { job, seq: from }, $lte: { job, seq: to } },
});

/** Reads of the log; see Store. */
export function createHistoryReader({ commits }: Collections) {
  const upTo = (job: string, seq: number) =>
    commits
      .find(logRange(job, 0, seq))
      .sort({ _id: -1 })
      .limit(1)
      .next();

  return {
    async readCommits(job: string, from: number, limit = 1_000_000): Promise<Commit[]> {
      const first = from <= 1 ? null : await upTo(job, from);
      const start = first && first._id.seq + first.entries.length > from ? first._id.seq : from;
      const records = await commits
        .find(logRange(job, start, Number.MAX_SAFE_INTEGER))
        .sort({ _id: 1 })
        .limit(limit)
        .toArray();
      return records.map(toCommit);
    },

    async readNewer(job: string, seq: number, limit: number): Promise<Commit[]> {
      const range = logRange(job, seq + 1, Number.MAX_SAFE_INTEGER);
      const records = await commits.find(range).sort({ _id: 1 }).limit(limit).toArray();
      return records.map(toCommit);
    },

    async readHead(job: string): Promise<Commit | null> {
      const record = await upTo(job, Number.MAX_SAFE_INTEGER);
      return record && toCommit(record);
    },

    async findKey(job: string, key: string): Promise<Commit | null> {
      const record = await commits.findOne({ '_id.job': job, keys: { $eq: key } });
      return record && toCommit(record);
    },

    async *scanCommits({ job }: { job?: string } = {}): AsyncIterable<Commit> {
      const filter = job === undefined ? {} : logRange(job, 0, Number.MAX_SAFE_INTEGER);
      const cursor = commits.find(filter).sort({ _id: 1 });
      for await (const record of cursor) yield toCommit(record);
    },

    async *scanCommitsOf(process: string, since: Date): AsyncIterable<Commit> {
      const filter = { process, at: { $gte: since } };
      const cursor = commits.find(filter).sort({ process: 1, at: 1 });
      for await (const record of cursor) yield toCommit(record);
    },
  };
}
