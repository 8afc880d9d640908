import type { Commit } from '../store/store.ts';
import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';
import { warnOfLength } from './warnOfLength.ts';

/** Tells telemetry of a commit that is durable, and with it of a history that has become long. */
export function tellCommit(engine: Engine, commit: Commit, job: LiveJob): void {
  warnOfLength(engine, commit, job);
  if (!engine.telemetry.isHeard('job.committed')) return;
  const { job: jobId, type, seq, entries } = commit;
  const events = entries.map(({ name }) => name);
  engine.telemetry.emit('job.committed', { jobId, type, seq, events });
}
