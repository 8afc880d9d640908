import { JobError, StoreUnavailable } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { takeEvent } from '../jobs/parseEvent.ts';
import { sendEvents } from '../jobs/sendEvents.ts';
import { takeAllToHand } from './takeToHand.ts';
import type { Held } from './workerProtocol.ts';

/** Leases read at a time. */
const pageSize = 1_000;

/** Why leases are given back; `lost` where their worker was, which counts on the job. */
export interface ReleaseReason {
  readonly reason: string;
  readonly lost?: true;
}

/** In whose name the engine gives leases back. */
const principal = { actor: { kind: 'system', id: 'workers' } } as const;

/**
 * Gives back all that a worker has, as far as the projection tells: what was claimed in the last moments is
 * found by the next call. Resolves to how many leases ended.
 */
export async function releaseHeld(
  engine: Engine,
  worker: string,
  reason: ReleaseReason,
): Promise<number> {
  await engine.projector.flush();
  const seen = new Set<string>();
  let released = 0;
  for (;;) {
    const held = await engine.store.readHeld(worker, pageSize);
    const open = held
      .map(({ job, lease }) => ({ id: job, epoch: lease.epoch }))
      .filter(({ id, epoch }) => !seen.has(`${id} ${epoch}`));
    if (open.length === 0) return released;
    for (const { id, epoch } of open) seen.add(`${id} ${epoch}`);
    released += await releaseAll(engine, open, reason);
    await engine.projector.flush();
  }
}

/**
 * Gives back these claims; one that is no longer the job's newest stays as it is. Resolves to how many ended.
 */
export async function releaseAll(
  engine: Engine,
  held: readonly Held[],
  reason: ReleaseReason,
): Promise<number> {
  await takeAllToHand(
    engine,
    held.map(({ id }) => id),
  );
  const outcomes = await Promise.all(held.map((each) => release(engine, each, reason)));
  return outcomes.filter(Boolean).length;
}

async function release(
  engine: Engine,
  { id, epoch }: Held,
  reason: ReleaseReason,
): Promise<boolean> {
  const event = takeEvent({ name: 'release', data: { epoch, ...reason } }, engine.jsonLimits);
  try {
    await sendEvents(engine, id, { principal, demand: { kind: 'events', events: [event] } });
    return true;
  } catch (error) {
    // It was reported on, taken or removed in the meantime.
    if (error instanceof JobError && !(error instanceof StoreUnavailable)) return false;
    throw error;
  }
}
