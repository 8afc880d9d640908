import { MongoBulkWriteError, MongoServerError, type Document } from 'mongodb';
import type { Changing } from '../../machine/changing.ts';
import { linkFields, type EffectTask, type JobDocument, type Links } from '../store.ts';
import type { Collections, EffectRecord, JobRecord } from './collections.ts';
import { duplicateKey, insertUnordered } from './insertUnordered.ts';
import { moveForward } from './moveForward.ts';

/**
 * Writes what follows from the log, see Store.project: first the effects, so that a crash in between
 * runs them rather than forgets them; then the documents, only ever forward; then it takes back what a
 * process that slept through a deletion would have brought back.
 */
export async function project(
  collections: Collections,
  jobs: readonly JobDocument[],
  effects: readonly EffectTask[],
  created: ReadonlySet<string> = new Set(),
): Promise<void> {
  if (effects.length > 0) {
    const records = effects.map(toEffectRecord);
    await insertNew(collections, collections.effects.collectionName, records);
  }
  if (jobs.length === 0) return;
  const fresh = jobs.filter(({ id }) => created.has(id)).map(toJobRecord);
  const known = jobs.filter(({ id }) => !created.has(id)).map(toJobRecord);
  if (fresh.length > 0) {
    // In bulk an insert costs the server a tenth of what an update costs.
    const taken = await insertNew(collections, collections.jobs.collectionName, fresh);
    for (const index of taken) known.push(...fresh.slice(index, index + 1));
  }
  await moveOrReplace(collections, known);
  await takeBackRemoved(collections, jobs);
}

/** Moves documents that are there; what is not, or is of an earlier life, is put in its place. */
async function moveOrReplace({ jobs }: Collections, records: readonly JobRecord[]): Promise<void> {
  const unmoved = await moveForward(jobs, records);
  if (unmoved.length === 0) return;
  // Or another process was faster.
  const ids = unmoved.map(({ _id }) => _id);
  const there = await jobs.find({ _id: { $in: ids } }, { projection: { seq: 1 } }).toArray();
  const seqs = new Map(there.map(({ _id, seq }) => [_id, seq]));
  await replaceOrInsert(
    jobs,
    unmoved.filter(({ _id, seq }) => (seqs.get(_id) ?? 0) < seq),
  );
}

async function replaceOrInsert(
  jobs: Collections['jobs'],
  records: readonly JobRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const moves = records.map(({ _id, ...replacement }) => ({
    filter: { _id, seq: { $lt: replacement.seq } },
    replacement,
  }));
  const upserts = moves.map((move) => ({ replaceOne: { ...move, upsert: true } }));
  const collided = await duplicatesOf(jobs.bulkWrite(upserts, { ordered: false }));
  if (collided.length === 0) return;
  // Another writer had just begun it, or was as far: then ours may be newer.
  const again = collided.flatMap((index) => moves[index] ?? []);
  await jobs.bulkWrite(
    again.map((replaceOne) => ({ replaceOne })),
    { ordered: false },
  );
}

/** Inserts what is new and tells the places of what was there already; rejects if any failed otherwise. */
async function insertNew(
  { db }: Collections,
  collection: string,
  records: readonly Document[],
): Promise<number[]> {
  const errors = await insertUnordered(db, collection, records);
  const other = errors.find(({ code }) => code !== duplicateKey);
  if (other) throw new MongoServerError({ message: other.errmsg, code: other.code });
  return errors.map(({ index }) => index);
}

/** Which of the writes found their `_id` taken; rejects if any failed otherwise. */
async function duplicatesOf(write: Promise<unknown>): Promise<number[]> {
  try {
    await write;
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    if (error.result.getWriteConcernError() !== undefined) throw error;
    const failures = [error.writeErrors].flat();
    // A lost connection comes as an error of this kind as well, without any write in it.
    if (failures.length === 0 || failures.some(({ code }) => code !== duplicateKey)) throw error;
    return failures.map(({ index }) => index);
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

/** Field by field: copies by spreading cost more, and there is one for each job. */
function toJobRecord(job: JobDocument): JobRecord {
  const record: Changing<JobRecord> = {
    _id: job.id,
    type: job.type,
    typeVersion: job.typeVersion,
    seq: job.seq,
    createdSeq: job.createdSeq,
    state: job.state,
    states: job.states,
    snapshot: job.snapshot,
    data: job.data,
    setup: job.setup,
    links: job.links,
    createdAt: job.createdAt,
    updatedAt: job.updatedAt,
    lastEvent: job.lastEvent,
    generation: job.generation,
    headHash: job.headHash,
    timers: job.timers,
  };
  if (job.wakeAt) record.wakeAt = job.wakeAt;
  if (job.lastAt) record.lastAt = job.lastAt;
  if (job.queue) record.queue = job.queue;
  if (job.lease) record.lease = job.lease;
  const ids = linkedIds(job.links);
  if (ids.length > 0) record.linkedIds = ids;
  return record;
}

const toEffectRecord = ({ id, ...rest }: EffectTask): EffectRecord => ({
  _id: id,
  ...rest,
  leaseUntil: new Date(0),
});
