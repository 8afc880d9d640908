import { MongoBulkWriteError } from 'mongodb';
import { linkFields, type EffectTask, type JobDocument, type Links } from '../store.ts';
import type { Collections, EffectRecord, JobRecord } from './collections.ts';

/**
 * Writes what follows from the log, see Store.project: first the effects, so that a crash in between
 * runs them rather than forgets them; then the documents, only ever forward; then it takes back what a
 * process that slept through a deletion would have brought back.
 */
export async function project(
  collections: Collections,
  jobs: readonly JobDocument[],
  effects: readonly EffectTask[],
): Promise<void> {
  if (effects.length > 0) {
    await duplicatesOf(
      collections.effects.insertMany(effects.map(toEffectRecord), { ordered: false }),
    );
  }
  if (jobs.length === 0) return;
  const collided = await duplicatesOf(
    collections.jobs.bulkWrite(jobs.map(forward), { ordered: false }),
  );
  if (collided.length > 0)
    await moveOn(
      collections,
      collided.flatMap((index) => jobs[index] ?? []),
    );
  await takeBackRemoved(collections, jobs);
}

const forward = (job: JobDocument) => ({
  replaceOne: {
    filter: { _id: job.id, seq: { $lt: job.seq } },
    replacement: toJobRecord(job),
    upsert: true,
  },
});

/**
 * The upsert collides where a document is as far as ours already, and where another writer has just
 * begun it: then ours may still be the newer one.
 */
async function moveOn(
  { jobs: collection }: Collections,
  jobs: readonly JobDocument[],
): Promise<void> {
  const moves = jobs.map(forward).map(({ replaceOne: { filter, replacement } }) => ({
    replaceOne: { filter, replacement },
  }));
  await collection.bulkWrite(moves, { ordered: false });
}

/** Indexes of the writes that collided with a document of the same id; any other failure is thrown. */
async function duplicatesOf(write: Promise<unknown>): Promise<number[]> {
  try {
    await write;
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    if (error.result.getWriteConcernError() !== undefined) throw error;
    const errors = [error.writeErrors].flat();
    if (!errors.every(({ code }) => code === 11000)) throw error;
    return errors.map(({ index }) => index);
  }
}

async function takeBackRemoved(
  { jobs: collection, tombstones }: Collections,
  jobs: readonly JobDocument[],
): Promise<void> {
  const ids = jobs.map(({ id }) => id);
  for (const { _id, seq } of await tombstones.find({ _id: { $in: ids } }).toArray()) {
    await collection.deleteOne({ _id, seq: { $lte: seq } });
  }
}

export const linkedIds = (links: Links): string[] => [
  ...new Set(linkFields.flatMap((field) => links[field] ?? [])),
];

function toJobRecord({ id: _id, ...rest }: JobDocument): Omit<JobRecord, '_id'> {
  const ids = linkedIds(rest.links);
  return ids.length > 0 ? { ...rest, linkedIds: ids } : rest;
}

const toEffectRecord = ({ id, ...rest }: EffectTask): EffectRecord => ({
  _id: id,
  ...rest,
  leaseUntil: new Date(0),
});
