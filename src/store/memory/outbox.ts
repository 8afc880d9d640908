import type { EffectClaim, EffectStatus, EffectTask } from '../store.ts';

interface Held {
  readonly task: EffectTask;
  readonly lease?: { readonly owner: string; readonly until: Date };
}

/** Effects on their way: each job's one after the other, each under one lease at a time. */
export function createOutbox() {
  const held = new Map<string, Held>();
  const inOrder = (): Held[] => [...held.values()].sort(byPlace);
  const pending = (): Held[] => inOrder().filter(({ task }) => task.status !== 'done');
  const heldBy = (id: string, owner: string): EffectTask | undefined => {
    const found = held.get(id);
    return found?.lease?.owner === owner ? found.task : undefined;
  };
  /** Puts a task back as it now is, under no lease. */
  const settle = (task: EffectTask): void => void held.set(task.id, { task });

  return {
    add: (tasks: readonly EffectTask[]): void => {
      for (const task of tasks) if (!held.has(task.id)) settle(task);
    },

    claim: ({ owner, now, leaseUntil, limit, job, accepts }: EffectClaim): EffectTask[] => {
      const earliest = new Map<string, Held>();
      for (const each of inOrder()) {
        if (job !== undefined && each.task.job !== job) continue;
        if (each.task.status === 'due' && !earliest.has(each.task.job)) {
          earliest.set(each.task.job, each);
        }
      }
      return [...earliest.values()]
        .filter((each) => each.task.dueAt <= now && !isLeased(each, now))
        .filter(({ task }) => accepts?.(task) ?? true)
        .sort((one, other) => one.task.dueAt.getTime() - other.task.dueAt.getTime())
        .slice(0, limit)
        .map((each) => {
          const task = { ...each.task, attempts: each.task.attempts + 1 };
          held.set(task.id, { task, lease: { owner, until: leaseUntil } });
          return task;
        });
    },

    pending: (job: string): EffectTask[] =>
      pending().flatMap(({ task }) => (task.job === job ? [task] : [])),

    complete: (id: string, owner: string, _now: Date): void => {
      const task = heldBy(id, owner);
      if (task) settle(done(task));
    },

    fail: (id: string, owner: string, error: string, dueAt: Date | null): void => {
      const task = heldBy(id, owner);
      if (!task) return;
      settle(
        dueAt === null
          ? { ...task, status: 'parked', error }
          : { ...task, status: 'due', dueAt, error },
      );
    },

    /** A task that somebody runs at this moment is left alone: it neither waits nor is parked. */
    revive: (id: string, now: Date): boolean => {
      const found = held.get(id);
      if (!found || found.task.status === 'done' || isLeased(found, now)) return false;
      settle({ ...withoutError(found.task), status: 'due', dueAt: now, attempts: 0 });
      return true;
    },

    release: (owner: string): void => {
      for (const { task, lease } of held.values()) if (lease?.owner === owner) settle(task);
    },

    drop: (job: string, seq: number, _now: Date): void => {
      for (const { task } of pending()) {
        if (task.job === job && task.seq <= seq) settle(done(task));
      }
    },

    list: ({ status, job }: { status?: EffectStatus; job?: string }): readonly EffectTask[] =>
      inOrder()
        .map(({ task }) => task)
        .filter((task) => status === undefined || task.status === status)
        .filter((task) => job === undefined || task.job === job),

    count: (): { due: number; parked: number } => {
      const count = { due: 0, parked: 0, done: 0 };
      for (const { task } of held.values()) count[task.status] += 1;
      return { due: count.due, parked: count.parked };
    },
  };
}

const isLeased = ({ lease }: Held, now: Date): boolean => lease !== undefined && lease.until > now;

const done = (task: EffectTask): EffectTask => ({ ...withoutError(task), status: 'done' });

const withoutError = ({ error: _past, ...task }: EffectTask): EffectTask => task;

const byPlace = ({ task: one }: Held, { task: other }: Held): number =>
  (one.job < other.job ? -1 : one.job > other.job ? 1 : 0) ||
  one.seq - other.seq ||
  one.index - other.index;
