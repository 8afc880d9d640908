import type { Commit } from '../store.ts';
import type { Collections } from './collections.ts';
import { toCommit } from './commitRecord.ts';

/** Reads of the log; see Store. Ranges run over `_id` itself, which orders by job, then seq. */
export function createHistoryReader({ commits }: Collections) {
  const upTo = (job: string, seq: number) =>
    commits
      .find({ _id: { $gte: { job, seq: 0 }, $lte: { job, seq } } })
      .sort({ _id: -1 })
      .limit(1)
      .next();

  return {
    async readCommits(job: string, from: number, limit = 1_000_000): Promise<Commit[]> {
      const first = from <= 1 ? null : await upTo(job, from);
      const start = first && first._id.seq + first.entries.length > from ? first._id.seq : from;
      const records = await commits
        .find({ _id: { $gte: { job, seq: start }, $lte: { job, seq: Number.MAX_SAFE_INTEGER } } })
        .sort({ _id: 1 })
        .limit(limit)
        .toArray();
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
      const filter =
        job === undefined
          ? {}
          : { _id: { $gte: { job, seq: 0 }, $lte: { job, seq: Number.MAX_SAFE_INTEGER } } };
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
