import { authorise, type Principal } from '../auth/authorise.ts';
import { InvalidData } from '../errors.ts';
import { checkKey } from './checkKey.ts';
import type { Engine } from './engine.ts';
import { loadJob, loadJobAt } from './loadJob.ts';
import type { LiveJob } from './liveJob.ts';
import { takeEvent } from './parseEvent.ts';
import { sendEvents } from './sendEvents.ts';

export interface ResetInput {
  /** Why; stands in the history. */
  readonly reason: string;
  readonly data?: Readonly<Record<string, unknown>> | null | undefined;
  /** Leaves the files in the archive directory. Default: it is emptied. */
  readonly keepArchive?: boolean | undefined;
  readonly key?: string | undefined;
  readonly ifVersion?: number | undefined;
}

/**
 * Cleans a job for another run, admins only: the `reset` entry, then the archive directory is emptied
 * and kept, then `ready`. A crash anywhere resumes by itself. Rejects with EffectFailed where emptying
 * failed: the job stays in RESET with the reason, and another reset or an admin's `ready` recovers it.
 */
export async function resetJob(
  engine: Engine,
  principal: Principal,
  jobId: string,
  input: ResetInput,
): Promise<LiveJob> {
  authorise(principal, 'job.reset', { jobId });
  const { keepArchive = false, key, ifVersion } = input;
  const data = { ...input.data, reason: checkReason(input.reason), keepArchive };
  const events = [takeEvent({ name: 'reset', data }, engine.jsonLimits)];
  const { job: asked } = await sendEvents(engine, jobId, {
    principal,
    demand: { kind: 'events', events },
    ...(key !== undefined && { key: checkKey(key) }),
    ...(ifVersion !== undefined && { ifVersion }),
  });
  await engine.projector.flush();
  await engine.effects.runFor(jobId, asked.seq);
  return readDone(engine, jobId, asked.seq + 1);
}

/** The job right after the `ready` that ended the reset, whatever has followed since; else as it is now. */
async function readDone(engine: Engine, jobId: string, readySeq: number): Promise<LiveJob> {
  const job = await loadJob(engine, jobId);
  if (!job) throw new Error(`job ${jobId} has lost its log`);
  if (job.seq <= readySeq) return job;
  const [commit] = await engine.store.readCommits(jobId, readySeq, 1);
  const isDone = commit?.entries[readySeq - commit.seq]?.name === 'ready';
  return (isDone && (await loadJobAt(engine, jobId, readySeq))) || job;
}

/** Every administrative action says why. */
export function checkReason(reason: unknown): string {
  if (typeof reason === 'string' && reason.trim() !== '' && reason.length <= 2_000) return reason;
  throw new InvalidData('reason', [
    {
      path: 'reason',
      message: 'say why, in a text of at most 2000 characters; it stands in the history',
    },
  ]);
}
