import { authorise, type Principal } from '../auth/authorise.ts';
import { checkKey } from './checkKey.ts';
import { takeEvent } from './parseEvent.ts';
import { checkReason } from './resetJob.ts';
import type { Engine } from './engine.ts';
import { sendEvents } from './sendEvents.ts';

export interface RemoveInput {
  /** Why; stands in the tombstone. */
  readonly reason: string;
  readonly key?: string | undefined;
  readonly ifVersion?: number | undefined;
}

/** A cancellation needs no reason: nothing has happened yet. */
export type CancelInput = Partial<Omit<RemoveInput, 'reason'>> & {
  readonly reason?: string | undefined;
};

/**
 * Deletes a job for good, admins only, from any state: gone with its data for every reader once the
 * tombstone is committed, then the links to it are cleaned everywhere. Its archive files are left.
 * Resolves to the number of documents and jobs that had links. A crash anywhere resumes by itself.
 */
export async function deleteJob(
  engine: Engine,
  principal: Principal,
  jobId: string,
  input: RemoveInput,
): Promise<number> {
  authorise(principal, 'job.delete', { jobId });
  return remove(engine, principal, jobId, 'delete', {
    ...input,
    reason: checkReason(input.reason),
  });
}

/** Removes a job that nothing has happened to since its creation. Rejects with CancelTooLate otherwise. */
export async function cancelJob(
  engine: Engine,
  principal: Principal,
  jobId: string,
  input: CancelInput = {},
): Promise<void> {
  await remove(engine, principal, jobId, 'cancel', input);
}

async function remove(
  engine: Engine,
  principal: Principal,
  jobId: string,
  name: 'cancel' | 'delete',
  { reason, key, ifVersion }: CancelInput,
): Promise<number> {
  const data = reason === undefined ? null : { reason };
  const { json } = takeEvent({ name, data }, engine.jsonLimits);
  const { job } = await sendEvents(engine, jobId, {
    principal,
    demand: { kind: 'remove', name, json },
    ...(key !== undefined && { key: checkKey(key) }),
    ...(ifVersion !== undefined && { ifVersion }),
  });
  await engine.projector.flush();
  await engine.effects.runFor(jobId, job.seq);
  const [tombstone] = await engine.store.readCommits(jobId, job.seq, 1);
  return tombstone?.linksRemoved ?? 0;
}
