import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';

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
