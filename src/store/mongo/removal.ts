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

    async countLinks(job: string): Promise<number> {
      const counts = await Promise.all([
        jobs.countDocuments({ linkedIds: job }),
        ...linkedCollections.map((name) => collections.linked(name).countDocuments(anyLink(job))),
      ]);
      return counts.reduce((sum, count) => sum + count, 0);
    },

    async noteLinks(job: string, seq: number, links: number): Promise<void> {
      const tombstone = { 'entries.operation': 'remove' as const, _id: upTo(job, seq) };
      const last = await commits.find(tombstone).sort({ _id: -1 }).limit(1).next();
      if (last) await commits.updateOne({ _id: last._id }, { $max: { linksRemoved: links } });
    },

    async finishRemoval(job: string, seq: number): Promise<void> {
      await putTombstone(tombstones, job, seq);
      await jobs.deleteOne({ _id: job, seq: { $lte: seq } });
    },
  };
}

const anyLink = (job: string) => ({ $or: linkFields.map((field) => ({ [field]: { $eq: job } })) });

const upTo = (job: string, seq: number) => ({ $gte: { job, seq: 0 }, $lte: { job, seq } });

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
