import type { Principal } from '../auth/authorise.ts';
import { InvalidTransition } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { loadLiving } from '../jobs/loadJob.ts';
import { takeEvent } from '../jobs/parseEvent.ts';
import { sendEvents } from '../jobs/sendEvents.ts';

/**
 * What a set-up does with a job that it finds stopped: cancelled, deleted (softly) or invalid. `keep` leaves
 * it as it is and says so; `restore` undoes deletions and cancellations, not the verdict that a result is
 * invalid; `refuse` refuses this one set-up.
 */
export type Stopped = (typeof stoppedOptions)[number];
export const stoppedOptions = ['keep', 'restore', 'refuse'] as const;

export interface FoundJob {
  readonly job: LiveJob;
  /** Only of a job that was found stopped: whether it has been brought back. */
  readonly stopped?: 'kept' | 'restored';
}

/** State in which a job is stopped → the event that undoes it. */
const undoing: Readonly<Record<string, string>> = {
  cancelled: 'uncancel',
  deleted: 'undelete',
  invalid: 'uninvalidate',
};
/** Those that bring a job back to be worked on, or as it was. */
const restoring: ReadonlySet<string> = new Set(['uncancel', 'undelete']);

/** What becomes of a job that a set-up has found. Rejects with InvalidTransition where it is to be refused. */
export async function treatFound(
  engine: Engine,
  principal: Principal,
  found: LiveJob,
  stopped: Stopped,
): Promise<FoundJob> {
  const undo = undoOf(engine, found);
  if (undo === undefined) return { job: found };
  if (stopped === 'refuse') {
    const { id: jobId, state: from } = found;
    throw new InvalidTransition({ jobId, event: 'create', index: 0, from, allowed: [undo] });
  }
  if (stopped === 'keep' || !restoring.has(undo)) return { job: found, stopped: 'kept' };
  return { job: await restore(engine, principal, found), stopped: 'restored' };
}

/** Undoes one level after the other, until neither a deletion nor a cancellation is left. */
async function restore(engine: Engine, principal: Principal, found: LiveJob): Promise<LiveJob> {
  let job = found;
  for (;;) {
    const name = undoOf(engine, job);
    if (name === undefined || !restoring.has(name)) return job;
    const demand = {
      kind: 'events',
      events: [takeEvent({ name }, engine.jsonLimits)],
    } as const;
    try {
      ({ job } = await sendEvents(engine, job.id, { principal, demand }));
    } catch (error) {
      if (!(error instanceof InvalidTransition)) throw error;
      const current = await loadLiving(engine, job.id);
      // Somebody else was faster; or it is not to be undone.
      if (current.seq === job.seq) throw error;
      job = current;
    }
  }
}

/** How a job that is stopped is brought back; undefined where it is not, or its machine has no such thing. */
function undoOf({ registry }: Engine, { type, typeVersion, state }: LiveJob): string | undefined {
  const event = Object.hasOwn(undoing, state) ? undoing[state] : undefined;
  if (event === undefined) return undefined;
  return registry.find(type, typeVersion)?.eventNames.get(event);
}
