import type { Work } from '../machine/define.ts';
import type { Registry } from '../machine/registry.ts';
import { snapshotOf, type LiveJob } from '../jobs/liveJob.ts';

/** Where a job stands between workers, as its machine tells; nothing of one that has no workers. */
export function workOf(registry: Registry, job: LiveJob): Work {
  const work = registry.find(job.type, job.typeVersion)?.definition.work;
  const snapshot = work && snapshotOf(job);
  return work && snapshot ? work({ state: job.state, context: snapshot.context }) : {};
}

/** Whether it is with this worker under this claim. */
export const isHeld = ({ lease }: Work, worker: string, epoch: number): boolean =>
  lease?.worker === worker && lease.epoch === epoch;
