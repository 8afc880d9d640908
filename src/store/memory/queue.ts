import type { LeaseEntry, QueueEntry, QueueQuery, Waiting } from '../queueStore.ts';
import type { JobDocument } from '../store.ts';

/** The queue of workers, as the projection has it; see QueueStore. */
export function createQueue(all: () => readonly JobDocument[]) {
  return {
    lanes: (): string[] => [...new Set(all().flatMap(({ queue }) => queue?.lane ?? []))],

    read: ({ lanes, now, limit }: QueueQuery): Waiting[] => {
      const wanted = new Set(lanes);
      return all()
        .flatMap(({ id, queue }) => (queue ? [{ id, ...queue }] : []))
        .filter(({ lane, readyAt }) => wanted.has(lane) && readyAt <= now)
        .sort(byPlace)
        .slice(0, limit)
        .map(({ id, priority }) => ({ id, priority }));
    },

    count: (): { lane: string; jobs: number }[] => {
      const counts = new Map<string, number>();
      for (const { queue } of all()) {
        if (queue) counts.set(queue.lane, (counts.get(queue.lane) ?? 0) + 1);
      }
      return [...counts].map(([lane, jobs]) => ({ lane, jobs }));
    },

    holders: (): string[] => [...new Set(all().flatMap(({ lease }) => lease?.worker ?? []))],

    held: (worker: string, limit: number): { job: string; lease: LeaseEntry }[] =>
      all()
        .flatMap(({ id, lease }) => (lease?.worker === worker ? [{ job: id, lease }] : []))
        .sort((one, other) => one.lease.since.getTime() - other.lease.since.getTime())
        .slice(0, limit),
  };
}

type Place = Pick<QueueEntry, 'priority' | 'since'> & { readonly id: string };

const byPlace = (one: Place, other: Place): number =>
  other.priority - one.priority ||
  one.since.getTime() - other.since.getTime() ||
  (one.id < other.id ? -1 : 1);
