import type { Filter } from 'mongodb';
import type { JobDocument, JobFilter, Page, Projected } from '../store.ts';
import type { Collections, JobRecord } from './collections.ts';
import { toCounts } from './countKeys.ts';

/** Reads of the projection; see Store. */
export function createJobReader({ jobs, tombstones, counts }: Collections) {
  /**
   * Machines that have jobs, as far as they are counted: a list by state alone names them, and so has an
   * index. One of its own would cost every snapshot that is written.
   */
  const machinesOf = async ({ type, state }: JobFilter): Promise<Filter<JobRecord>> => {
    if (type !== undefined || state === undefined) return {};
    const counted = toCounts(await counts.find({ isOpen: true }).toArray());
    const types = [...new Set(counted.map((each) => each.type))];
    return types.length > 0 ? { type: { $in: types } } : {};
  };
  return {
    async readJob(job: string): Promise<JobDocument | null> {
      const record = await jobs.findOne({ _id: { $eq: job } });
      return record && toDocument(record);
    },

    async projectedSeq(job: string): Promise<number> {
      const projection = { seq: 1 } as const;
      const [live, removed] = await Promise.all([
        jobs.findOne({ _id: { $eq: job } }, { projection }),
        tombstones.findOne({ _id: { $eq: job } }, { projection }),
      ]);
      return Math.max(live?.seq ?? 0, removed?.seq ?? 0);
    },

    async readProjected(ids: readonly string[]): Promise<ReadonlyMap<string, Projected>> {
      const filter = { _id: { $in: ids } };
      const [live, removed] = await Promise.all([
        jobs.find(filter).toArray(),
        tombstones.find(filter).toArray(),
      ]);
      const projected = new Map<string, Projected>(removed.map(({ _id, seq }) => [_id, { seq }]));
      for (const record of live) {
        const document = toDocument(record);
        const seq = Math.max(document.seq, projected.get(document.id)?.seq ?? 0);
        projected.set(document.id, { seq, document });
      }
      return projected;
    },

    async listJobs(
      filter: JobFilter,
      { limit, after, oldestFirst = false }: Page,
    ): Promise<JobDocument[]> {
      const [beyond, order] = oldestFirst ? (['$gt', 1] as const) : (['$lt', -1] as const);
      const further: Filter<JobRecord> = after
        ? {
            $or: [
              { createdAt: { [beyond]: after.createdAt } },
              { createdAt: after.createdAt, _id: { [beyond]: after.id } },
            ],
          }
        : {};
      const query = { $and: [await machinesOf(filter), toFilter(filter), further] };
      const records = await jobs
        .find(query)
        .sort({ createdAt: order, _id: order })
        .limit(limit)
        .toArray();
      return records.map(toDocument);
    },

    countJobs: (filter: JobFilter): Promise<number> => jobs.countDocuments(toFilter(filter)),

    async *scanJobs({ job }: { job?: string } = {}): AsyncIterable<JobDocument> {
      const filter = job === undefined ? {} : { _id: { $eq: job } };
      const cursor = jobs.find(filter).sort({ _id: 1 });
      for await (const record of cursor) yield toDocument(record);
    },

    async dueTimers(now: Date, limit: number): Promise<string[]> {
      const records = await jobs
        .find({ wakeAt: { $lte: now } }, { projection: { _id: 1 } })
        .sort({ wakeAt: 1 })
        .limit(limit)
        .toArray();
      return records.map(({ _id }) => _id);
    },

    async jobsLinkingTo(id: string, limit: number): Promise<string[]> {
      const records = await jobs
        .find({ linkedIds: { $eq: id } }, { projection: { _id: 1 } })
        .limit(limit)
        .toArray();
      return records.map(({ _id }) => _id);
    },
  };
}

/** Values of a caller always stand under an operator of ours, never as one of theirs. */
function toFilter({ type, state, pipeline, tag, q }: JobFilter): Filter<JobRecord> {
  return {
    ...(type !== undefined && { type: { $eq: type } }),
    ...(state !== undefined && { states: { $eq: state } }),
    ...(pipeline !== undefined && { 'setup.pipeline': { $eq: pipeline } }),
    ...(tag !== undefined && { 'setup.tags': { $eq: tag } }),
    ...(q !== undefined && { $or: searched.map((field) => ({ [field]: { $eq: q } })) }),
  };
}

/** Where `q` looks. */
const searched = ['_id', 'pipeline', 'session', 'agent', 'task', 'tags'].map((field) =>
  field === '_id' ? field : `setup.${field}`,
);

function toDocument({ _id, linkedIds: _linkedIds, ...rest }: JobRecord): JobDocument {
  return { id: _id, ...rest };
}
