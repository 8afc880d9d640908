import type { WorkerCounts, WorkerDocument, WorkerQuery, WorkerStatus } from '../workerStore.ts';

/** Workers as they were activated; see WorkerStore. */
export function createWorkers() {
  const workers = new Map<string, WorkerDocument>();
  const active = (name: string): WorkerDocument | undefined => {
    const worker = workers.get(name);
    return worker?.status === 'active' ? worker : undefined;
  };

  return {
    add: (worker: WorkerDocument): boolean => {
      if (workers.has(worker.name)) return false;
      workers.set(worker.name, worker);
      return true;
    },

    get: (name: string): WorkerDocument | null => workers.get(name) ?? null,

    list: ({ status, limit, after = '' }: WorkerQuery): WorkerDocument[] =>
      [...workers.values()]
        .filter((worker) => worker.name > after && (!status || worker.status === status))
        .sort((one, other) => (one.name < other.name ? -1 : 1))
        .slice(0, limit),

    statuses: (names: readonly string[]): Map<string, WorkerStatus> =>
      new Map(
        names.flatMap((name) => {
          const status = workers.get(name)?.status;
          return status ? [[name, status] as const] : [];
        }),
      ),

    beat: (
      name: string,
      now: Date,
      deadline: Date,
      more: Partial<WorkerCounts> = {},
    ): WorkerDocument | null => {
      const worker = active(name);
      if (!worker) return null;
      const beaten = {
        ...worker,
        beatAt: later(worker.beatAt, now),
        deadline: later(worker.deadline, deadline),
        counts: sum(worker.counts, more),
      };
      workers.set(name, beaten);
      return beaten;
    },

    end: (
      name: string,
      status: Exclude<WorkerStatus, 'active'>,
      at: Date,
      { onlySilent = false }: { readonly onlySilent?: boolean } = {},
    ): boolean => {
      const worker = active(name);
      if (!worker || (onlySilent && worker.deadline >= at)) return false;
      workers.set(name, { ...worker, status, endedAt: at });
      return true;
    },

    silent: (now: Date, limit: number): string[] =>
      [...workers.values()]
        .filter(({ status, deadline }) => status === 'active' && deadline < now)
        .sort((one, other) => one.deadline.getTime() - other.deadline.getTime())
        .map(({ name }) => name)
        .slice(0, limit),

    count: (name: string, more: Partial<WorkerCounts>): void => {
      const worker = workers.get(name);
      if (worker) workers.set(name, { ...worker, counts: sum(worker.counts, more) });
    },
  };
}

const later = (one: Date, other: Date): Date => (one > other ? one : other);

const sum = (counts: WorkerCounts, more: Partial<WorkerCounts>): WorkerCounts => ({
  claimed: counts.claimed + (more.claimed ?? 0),
  completed: counts.completed + (more.completed ?? 0),
  failed: counts.failed + (more.failed ?? 0),
  released: counts.released + (more.released ?? 0),
  rejected: counts.rejected + (more.rejected ?? 0),
});
