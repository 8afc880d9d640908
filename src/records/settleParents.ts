import { InvalidTransition, JobError, JobNotFound, VersionMismatch } from '../errors.ts';
import type { EffectRun } from '../machine/effect.ts';
import { allowedEvents } from '../machine/allowedEvents.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { loadJob, loadJobAt } from '../jobs/loadJob.ts';
import { takeEvent } from '../jobs/parseEvent.ts';
import { sendEvents } from '../jobs/sendEvents.ts';
import { countEnds } from './countEnds.ts';
import { awaitProjection } from './awaitProjection.ts';

const principal = { actor: { kind: 'system', id: 'children' } } as const;

/** Events that end a child nobody has begun. */
const putAside: ReadonlySet<string> = new Set(['cancel', 'delete', 'invalidate']);

/**
 * Handler of `tellParents`: a child has ended. A parent that follows its children, and has none left that
 * has not, is sent `settle` with how many ended in which state; one that still waits, `start`.
 *
 * No last child is missed, in whichever processes the last two end: each handler reads the children after
 * its own child's end is projected, and the later of the two projections is before the read of its
 * handler, which therefore finds both ended. That both find so does no harm: the parent takes in one
 * `settle`.
 */
export async function tellParents(engine: Engine, run: EffectRun): Promise<void> {
  const parents = (run.params?.['parents'] ?? []) as readonly string[];
  await awaitProjection(engine, run);
  const isBegun = !putAside.has(run.event);
  const tell = async (parent: string): Promise<void> => {
    const isWaitedFor = !(await settle(engine, parent));
    if (isWaitedFor && isBegun) await start(engine, await loadJob(engine, parent));
  };
  await forEach(parents, tell);
}

/** Handler of `checkChildren`: a job that follows its children waits again, and they may all have ended. */
export async function checkChildren(engine: Engine, run: EffectRun): Promise<void> {
  // A child whose handler still found the job elsewhere was projected before the job came here.
  await settle(engine, run.jobId);
}

/** A child that is gone for good ends nothing more; the others may all have. */
export async function tellParentsOfRemoved(
  engine: Engine,
  { jobId, seq }: Pick<EffectRun, 'jobId' | 'seq'>,
): Promise<void> {
  const job = await loadJobAt(engine, jobId, seq);
  await forEach(job?.setup.links.child_of ?? [], (parent) => settle(engine, parent));
}

/**
 * Tells parents that follow their children that one of these is being worked on. As good as it can be at
 * once: what fails is made up for when a child ends.
 */
export async function startParents(engine: Engine, parents: Iterable<string>): Promise<void> {
  const begin = async (parent: string): Promise<void> => {
    try {
      await start(engine, engine.live.get(parent) ?? (await loadJob(engine, parent)));
    } catch (error) {
      if (!(error instanceof JobError)) throw error;
    }
  };
  await forEach([...new Set(parents)], begin);
}

async function start(engine: Engine, job: LiveJob | null): Promise<void> {
  if (job && takes(engine, job, 'start')) await send(engine, job, 'start');
}

/** All at once, and none is kept from its turn by another one that fails. */
async function forEach(
  ids: readonly string[],
  act: (id: string) => Promise<unknown>,
): Promise<void> {
  const outcomes = await Promise.allSettled(ids.map(act));
  const failure = outcomes.find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
}

/** How often a parent that moves meanwhile is looked at anew; then the effect is tried again later. */
const attempts = 5;

/** Sends `settle` to a parent whose children have all ended. Resolves to whether there was nothing to wait for. */
async function settle(engine: Engine, parent: string): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    const job = await loadJob(engine, parent);
    if (!job || !takes(engine, job, 'settle')) return true;
    const children = await countEnds(engine, parent);
    if (!children) return false;
    try {
      // In the version that was read before its children were: one that has been reset since, with them,
      // must not end by what they were before.
      await send(engine, job, 'settle', { children });
      return true;
    } catch (error) {
      if (!(error instanceof VersionMismatch) || attempt === attempts) throw error;
    }
  }
}

/** Somebody else may have sent it, or the job may be gone: then all is done. */
async function send(
  engine: Engine,
  { id, seq }: LiveJob,
  name: 'start' | 'settle',
  data?: object,
): Promise<void> {
  const demand = {
    kind: 'events',
    events: [takeEvent({ name, data }, engine.jsonLimits)],
  } as const;
  try {
    await sendEvents(engine, id, {
      principal,
      demand,
      ...(name === 'settle' && { ifVersion: seq }),
    });
  } catch (error) {
    if (!(error instanceof InvalidTransition) && !(error instanceof JobNotFound)) throw error;
  }
}

/** Whether a living job takes this in from the engine, as it is. */
function takes({ registry, now }: Engine, job: LiveJob, event: string): boolean {
  const registered = registry.find(job.type, job.typeVersion);
  if (job.removed || !job.snapshot || !registered?.eventNames.has(event)) return false;
  const allowed = allowedEvents(registered, job.snapshot, new Date(now()).toISOString());
  return allowed.some(({ name, who }) => name === event && who.includes('system'));
}
