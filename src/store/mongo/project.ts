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
    await exceptDuplicates(
      collections.effects.insertMany(effects.map(toEffectRecord), { ordered: false }),
    );
  }
  if (jobs.length === 0) return;
  const moves = jobs.map((job) => ({
    replaceOne: {
      filter: { _id: job.id, seq: { $lt: job.seq } },
      replacement: toJobRecord(job),
      upsert: true,
    },
  }));
  await exceptDuplicates(collections.jobs.bulkWrite(moves, { ordered: false }));
  await takeBackRemoved(collections, jobs);
}

/** A document that is already as far as ours makes the upsert collide: then there is nothing to do. */
async function exceptDuplicates(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    if (error.result.getWriteConcernError() !== undefined) throw error;
    if (![error.writeErrors].flat().every(({ code }) => code === 11000)) throw error;
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
