import type { LeaseEntry, QueueEntry, QueueQuery, Waiting } from '../queueStore.ts';
import type { Collections } from './collections.ts';

/** How many lanes one query merges by the index; with more the server would sort in memory. */
const lanesAtOnce = 100;

/** What lets the server take the partial indexes. */
const inQueue = { 'queue.lane': { $gt: '' } };
const held = { 'lease.worker': { $gt: '' } };

/** All that is asked for stands in the index, so no document is read. */
const fromIndex = {
  hint: 'queue',
  projection: { 'queue.priority': 1, 'queue.since': 1 },
} as const;

/** The queue of workers, see QueueStore: all of it answered from two partial indexes. */
export function createQueue({ jobs }: Collections) {
  const readLanes = async (
    lanes: readonly string[],
    { now, limit }: QueueQuery,
  ): Promise<Place[]> => {
    const records = await jobs
      .find({ 'queue.lane': { $in: lanes }, 'queue.readyAt': { $lte: now } }, fromIndex)
      .sort({ 'queue.priority': -1, 'queue.since': 1, _id: 1 })
      .limit(limit)
      .batchSize(limit)
      .toArray();
    return records.flatMap(({ _id, queue }) => (queue ? [{ id: _id, ...queue }] : []));
  };

  return {
    listLanes: (): Promise<string[]> => jobs.distinct('queue.lane', inQueue) as Promise<string[]>,

    async readQueue(query: QueueQuery): Promise<Waiting[]> {
      const { lanes, limit } = query;
      if (lanes.length === 0 || limit === 0) return [];
      const groups = Array.from({ length: Math.ceil(lanes.length / lanesAtOnce) }, (_, index) =>
        lanes.slice(index * lanesAtOnce, (index + 1) * lanesAtOnce),
      );
      const found = await Promise.all(groups.map((group) => readLanes(group, query)));
      const places = found.length > 1 ? found.flat().sort(byPlace).slice(0, limit) : found.flat();
      return places.map(({ id, priority }) => ({ id, priority }));
    },

    async countQueue(): Promise<{ lane: string; jobs: number }[]> {
      return jobs
        .aggregate<{ lane: string; jobs: number }>([
          { $match: inQueue },
          { $group: { _id: '$queue.lane', jobs: { $sum: 1 } } },
          { $project: { _id: 0, lane: '$_id', jobs: 1 } },
        ])
        .toArray();
    },

    listHolders: (): Promise<string[]> => jobs.distinct('lease.worker', held) as Promise<string[]>,

    async readHeld(worker: string, limit: number): Promise<{ job: string; lease: LeaseEntry }[]> {
      const records = await jobs
        .find({ 'lease.worker': { $eq: worker } }, { projection: { lease: 1 } })
        .sort({ 'lease.since': 1 })
        .limit(limit)
        .toArray();
      return records.flatMap(({ _id, lease }) => (lease ? [{ job: _id, lease }] : []));
    },
  };
}

type Place = Pick<QueueEntry, 'priority' | 'since'> & { readonly id: string };

/** In the order of the index. */
const byPlace = (one: Place, other: Place): number =>
  other.priority - one.priority ||
  one.since.getTime() - other.since.getTime() ||
  (one.id < other.id ? -1 : 1);
