import { authorise, type Principal } from '../auth/authorise.ts';
import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';

/** What a token is good for, where it is not for all of a job's events. */
export interface JobTokenLimits {
  readonly events?: readonly string[] | undefined;
  /** Seconds. */
  readonly ttl?: number | undefined;
  /** Good for one accepted request. */
  readonly once?: boolean | undefined;
}

/**
 * A token that somebody asks for, with limits. Throws what `authorise` does where he may
 * not, InvalidData for limits that make no sense.
 */
export function issueJobToken(
  engine: Engine,
  principal: Principal,
  { id: jobId, generation }: Pick<LiveJob, 'id' | 'generation'>,
  { events, ttl, once, ...misspelt }: JobTokenLimits = {},
): { token: string; expiresAt: Date } {
  authorise(principal, 'token.issue', { jobId });
  const limits = {
    // To be refused: a limit that is passed over would give a token that is good for more.
    ...misspelt,
    ...(events !== undefined && { events }),
    ...(ttl !== undefined && { ttl }),
    ...(once !== undefined && { once }),
  };
  return engine.tokens.issue({ ...limits, kind: 'job', jobId, generation });
}

/** A token for all of a job's events; dead after a reset, a revocation or the job's end. */
export const jobTokenOf = (
  { tokens }: Engine,
  { id: jobId, generation }: Pick<LiveJob, 'id' | 'generation'>,
): string => tokens.issue({ kind: 'job', jobId, generation }).token;

/** Where an outside system reports to, complete with a token. */
export function callbackUrlOf({ publicUrl }: Engine, jobId: string, token: string): string {
  const base = publicUrl.replace(/\/+$/, '');
  const url = new URL(`${base}/v1/callbacks/${encodeURIComponent(jobId)}`);
  url.searchParams.set('token', token);
  return url.href;
}
