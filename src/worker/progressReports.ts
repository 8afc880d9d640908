import type { Held, Progress } from '../records/workerProtocol.ts';
import type { Bell } from './bell.ts';
import type { Life } from './life.ts';
import { isMalformed } from './fault.ts';
import { pause } from './pause.ts';

/** What runs have told of how far they are; only the newest of each is kept and sent. */
export interface ProgressReports {
  add(progress: Progress): void;
  forget(held: Held): void;
  /** Sends what there is, at most once a second, until the life is over. */
  keepSending(
    life: Life,
    abandon: (held: Held & { readonly state: string }) => void,
  ): Promise<void>;
}

const everyMs = 1_000;
/** Of one call. */
const mostReports = 200;

export function createProgressReports(bell: Bell): ProgressReports {
  const newest = new Map<string, Progress>();
  return {
    add(progress) {
      newest.set(progress.id, progress);
      bell.ring();
    },
    forget({ id, epoch }) {
      if (newest.get(id)?.epoch === epoch) newest.delete(id);
    },
    async keepSending(life, abandon) {
      const { over, name, workers } = life;
      while (!over.aborted) {
        if (newest.size === 0) await bell.next(over);
        const reports = [...newest.values()].slice(0, mostReports);
        if (reports.length === 0) continue;
        for (const { id } of reports) newest.delete(id);
        // One that fails is not made again: the next will tell more.
        const outcomes = await life.call('progress', life.leaseMs, () =>
          workers.progress(name, reports).catch(refusedWhole),
        );
        for (const outcome of outcomes ?? []) {
          const report = reports[outcome.index];
          if (!report || outcome.outcome === 'accepted' || outcome.code !== 'LEASE_LOST') continue;
          abandon({ id: report.id, epoch: report.epoch, state: outcome.state ?? 'unknown' });
        }
        await pause(everyMs, over);
      }
    },
  };
}

/** A progress that cannot be taken is not worth a worker's life. */
function refusedWhole(error: unknown): never[] {
  if (isMalformed(error)) return [];
  throw error;
}
