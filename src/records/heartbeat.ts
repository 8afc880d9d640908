import { z } from 'zod';
import { InvalidData } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { loadJob } from '../jobs/loadJob.ts';
import { issuesOf } from '../jobs/parseEvent.ts';
import type { LeaseEntry } from '../store/queueStore.ts';
import type { WorkerDocument } from '../store/workerStore.ts';
import { releaseAll } from './releaseJobs.ts';
import type { Heartbeat, HeartbeatAnswer, Held } from './workerProtocol.ts';
import { isHeld, workOf } from './workOf.ts';

/** Claims that a worker may have under way. */
const maxRunning = 10_000;

const schema = z.strictObject({
  running: z
    .array(z.strictObject({ id: z.string().min(1).max(200), epoch: z.int().min(1) }))
    .max(maxRunning)
    .optional(),
});

/** What a worker says it works on; undefined where it says nothing. Throws InvalidData. */
export function readRunning(heartbeat: Heartbeat): readonly Held[] | undefined {
  const parsed = schema.safeParse(heartbeat);
  if (!parsed.success) throw new InvalidData('heartbeat', issuesOf(parsed.error, 'heartbeat'));
  return parsed.data.running;
}

/**
 * Compares what a worker says it works on with what it has: tells it what to drop, and gives back what it
 * has had for longer than its lease and does not name, as the answer to its claim may have been lost.
 */
export async function compareRunning(
  engine: Engine,
  { name, leaseSeconds }: WorkerDocument,
  running: readonly Held[],
): Promise<HeartbeatAnswer['abandon']> {
  const held = new Map<string, LeaseEntry>();
  for (const { job, lease } of await engine.store.readHeld(name, maxRunning)) held.set(job, lease);
  const abandon = await Promise.all(
    running.map((each) => findLost(engine, name, each, held.get(each.id))),
  );
  const named = new Set(running.map(({ id }) => id));
  const before = engine.now() - leaseSeconds * 1_000;
  const forgotten = [...held]
    .filter(([id, { since }]) => !named.has(id) && since.getTime() < before)
    .map(([id, { epoch }]) => ({ id, epoch }));
  if (forgotten.length > 0)
    await releaseAll(engine, forgotten, { reason: 'its worker did not name it in a heartbeat' });
  return abandon.flat();
}

/** A claim that no longer holds, with the job's state. The projection may be behind, so the job decides. */
async function findLost(
  engine: Engine,
  worker: string,
  { id, epoch }: Held,
  lease: LeaseEntry | undefined,
): Promise<(Held & { state: string })[]> {
  const known = engine.live.peek(id);
  const looksHeld =
    lease?.epoch === epoch && (!known || isHeld(workOf(engine.registry, known), worker, epoch));
  if (looksHeld) return [];
  const job = await loadJob(engine, id);
  if (!job || job.removed) return [{ id, epoch, state: 'gone' }];
  if (isHeld(workOf(engine.registry, job), worker, epoch)) return [];
  return [{ id, epoch, state: job.state }];
}
