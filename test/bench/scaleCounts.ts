import type { JobManager } from '../../src/jobs/jobManager.ts';
import { show, type Row, type Verdict } from './figures.ts';
import { kinds } from './scalePlan.ts';
import { measureCalls } from './scaleReads.ts';

/** Counts by machine and state: as the manager gives them, or where it does not, each by itself. */
export async function measureCounts(
  manager: JobManager,
): Promise<{ rows: Row[]; verdicts: Verdict[] }> {
  const { store } = manager.engine;
  const counts = countsOf(manager);
  const each = await measureCalls('counts by machine and state, one query each', () =>
    Promise.all(kinds.map(({ type, state }) => store.countJobs({ type, state }))),
  );
  const rows = counts ? [await measureCalls('counts by machine and state', counts), each] : [each];
  const [row] = rows as [Row];
  return {
    rows,
    verdicts: [
      {
        bench: 'scale',
        target: 'counts by machine and state: p99 < 50 ms (aim 5 ms)',
        found: `${row.row}: p50 ${show(row.p50)} ms, p99 ${show(row.p99)} ms`,
        met: (row.p99 ?? Infinity) < 50,
      },
    ],
  };
}

function countsOf(manager: object): (() => Promise<unknown>) | undefined {
  if (!('counts' in manager) || typeof manager.counts !== 'function') return undefined;
  const counts = manager.counts as () => Promise<unknown>;
  return () => counts.call(manager);
}
