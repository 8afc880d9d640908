import type { CountMark, StateCount } from '../store.ts';

/** How many jobs are in which state, and which commits of each process that stands on. */
export function createCounts() {
  /** Machine → state → jobs. */
  const counts = new Map<string, Map<string, number>>();
  const marks = new Map<string, CountMark>();
  const list = (): StateCount[] =>
    [...counts].flatMap(([type, states]) =>
      [...states].flatMap(([state, jobs]) => (jobs === 0 ? [] : [{ type, state, jobs }])),
    );

  return {
    count: (process: string, mark: CountMark, changes: readonly StateCount[]): boolean => {
      if ((marks.get(process)?.version ?? 0) !== mark.version - 1) return false;
      marks.set(process, mark);
      for (const { type, state, jobs } of changes) {
        const states = counts.get(type) ?? new Map<string, number>();
        counts.set(type, states.set(state, (states.get(state) ?? 0) + jobs));
      }
      return true;
    },

    readMark: (process: string): CountMark | null => marks.get(process) ?? null,

    read: list,

    readLog: () => ({ counts: list(), marks }),
  };
}
