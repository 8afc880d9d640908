import { MongoServerError } from 'mongodb';
import { entryDataDigest } from '../hashChain.ts';
import { linkFields, type StoredEntry } from '../store.ts';
import type { Collections, CommitRecord } from './collections.ts';

const redactBatch = 500;

/** What follows a tombstone; see Store. Each step may be repeated. */
export function createRemoval(collections: Collections, linkedCollections: readonly string[]) {
  const { commits, jobs, tombstones } = collections;

  return {
    async unlinkDocuments(job: string): Promise<number> {
      const anywhere = { $or: linkFields.map((field) => ({ [field]: job })) };
      const pulls = Object.fromEntries(linkFields.map((field) => [field, job]));
      let removed = 0;
      for (const name of linkedCollections) {
        const { modifiedCount } = await collections
          .linked(name)
          .updateMany(anywhere, { $pull: pulls as never });
        removed += modifiedCount;
      }
      return removed;
    },

    async redact(job: string, seq: number): Promise<void> {
      const before = { _id: { $gte: { job, seq: 0 }, $lt: { job, seq } } };
      const full = { ...before, entries: { $elemMatch: { data: { $ne: null } } } };
      for (;;) {
        const records = await commits.find(full).limit(redactBatch).toArray();
        if (records.length === 0) return;
        await commits.bulkWrite(
          records.map((record) => ({
            updateOne: {
              filter: { _id: record._id },
              update: { $set: { entries: redacted(record) } },
            },
          })),
          { ordered: false },
        );
      }
    },

    async finishRemoval(job: string, seq: number, linksRemoved: number): Promise<void> {
      await putTombstone(tombstones, job, seq);
      const last = await commits
        .find({ _id: { $gte: { job, seq: 0 }, $lte: { job, seq } } })
        .sort({ _id: -1 })
        .limit(1)
        .next();
      if (last?.entries.at(-1)?.operation === 'remove') {
        await commits.updateOne({ _id: last._id }, { $set: { linksRemoved } });
      }
      await jobs.deleteOne({ _id: job, seq: { $lte: seq } });
    },
  };
}

function redacted({ entries }: CommitRecord): StoredEntry[] {
  return entries.map((entry) =>
    entry.data === null ? entry : { ...entry, data: null, dataDigest: entryDataDigest(entry) },
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
    if (!(error instanceof MongoServerError) || error.code !== 11000) throw error;
  }
}
