import { MongoServerError, type AnyBulkWriteOperation } from 'mongodb';
import { entryDataDigest } from '../hashChain.ts';
import { linkFields, type StoredEntry } from '../store.ts';
import type { Collections, CommitRecord } from './collections.ts';
import { duplicateKey } from './insertUnordered.ts';
import { logRange } from './readHistory.ts';

const redactBatch = 500;

/** What follows a tombstone; see Store. Each step may be repeated. */
export function createRemoval(collections: Collections, linkedCollections: readonly string[]) {
  const { commits, jobs, tombstones } = collections;

  return {
    async unlinkDocuments(job: string): Promise<number> {
      const pulls = Object.fromEntries(linkFields.map((field) => [field, job]));
      let removed = 0;
      for (const name of linkedCollections) {
        const { modifiedCount } = await collections
          .linked(name)
          .updateMany(anyLink(job), { $pull: pulls as never });
        removed += modifiedCount;
      }
      return removed;
    },

    async redact(job: string, seq: number): Promise<void> {
      const full = {
        ...logRange(job, 0, seq - 1),
        $or: [{ entries: { $elemMatch: { data: { $ne: null } } } }, { keys: { $exists: true } }],
      };
      let writes: AnyBulkWriteOperation<CommitRecord>[] = [];
      for await (const record of commits.find(full).sort({ _id: 1 })) {
        const keys = record.entries.slice(seq - record._id.seq).flatMap(({ key }) => key ?? []);
        const update = {
          $set: { entries: redacted(record, seq), ...(keys.length > 0 && { keys }) },
          ...(keys.length === 0 && { $unset: { keys: 1 as const } }),
        };
        writes.push({ updateOne: { filter: { _id: record._id }, update } });
        if (writes.length < redactBatch) continue;
        await commits.bulkWrite(writes, { ordered: false });
        writes = [];
      }
      if (writes.length > 0) await commits.bulkWrite(writes, { ordered: false });
    },

    async countLinks(job: string): Promise<number> {
      const counts = await Promise.all([
        jobs.countDocuments({ linkedIds: job }),
        ...linkedCollections.map((name) => collections.linked(name).countDocuments(anyLink(job))),
      ]);
      return counts.reduce((sum, count) => sum + count, 0);
    },

    async noteLinks(job: string, seq: number, links: number): Promise<void> {
      const own = commits.find(logRange(job, 0, seq));
      const commit = await own.sort({ _id: -1 }).limit(1).next();
      if (commit?.entries[seq - commit._id.seq]?.operation !== 'remove') return;
      await commits.updateOne({ _id: commit._id }, { $max: { linksRemoved: links } });
    },

    async finishRemoval(job: string, seq: number): Promise<void> {
      await putTombstone(tombstones, job, seq);
      await jobs.deleteOne({ _id: job, seq: { $lte: seq } });
    },
  };
}

const anyLink = (job: string) => ({ $or: linkFields.map((field) => ({ [field]: { $eq: job } })) });

/** The tombstone may stand beside earlier entries in one commit; that of an earlier life keeps its reason. */
function redacted({ _id, entries }: CommitRecord, seq: number): StoredEntry[] {
  return entries.map((entry, place) =>
    entry.data === null || entry.operation === 'remove' || _id.seq + place >= seq
      ? entry
      : { ...entry, data: null, dataDigest: entryDataDigest(entry) },
  );
}

/** Only ever forward: a repeated removal of an earlier life leaves the later tombstone. */
async function putTombstone(
  tombstones: Collections['tombstones'],
  job: string,
  seq: number,
): Promise<void> {
  try {
    await tombstones.updateOne(
      { _id: job, seq: { $lt: seq } },
      { $set: { seq } },
      { upsert: true },
    );
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== duplicateKey) throw error;
  }
}
