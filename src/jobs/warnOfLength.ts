import type { Commit } from '../store/store.ts';
import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';

/** Tells once, with the commit that takes a job's history there, that it has become long. */
export function warnOfLength(
  { telemetry, limits }: Engine,
  commit: Commit,
  { id, seq, createdSeq }: LiveJob,
): void {
  const warnAt = createdSeq + limits.historyWarning - 1;
  if (commit.seq <= warnAt && seq >= warnAt) {
    telemetry.emit('history.long', { jobId: id, entries: seq - createdSeq + 1 });
  }
}
