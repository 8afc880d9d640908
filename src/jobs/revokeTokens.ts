import type { Principal } from '../auth/authorise.ts';
import { checkKey } from './checkKey.ts';
import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';
import { takeEvent } from './parseEvent.ts';
import { checkReason } from './resetJob.ts';
import type { CancelInput } from './removeJob.ts';
import { sendEvents } from './sendEvents.ts';

/** Ends all tokens of a job, as an entry of its history; its generation rises. */
export async function revokeTokens(
  engine: Engine,
  principal: Principal,
  jobId: string,
  { reason, key, ifVersion }: CancelInput = {},
): Promise<LiveJob> {
  const data = reason === undefined ? null : { reason: checkReason(reason) };
  const { json } = takeEvent({ name: 'revoke', data }, engine.jsonLimits);
  const { job } = await sendEvents(engine, jobId, {
    principal,
    demand: { kind: 'revoke', json },
    ...(key !== undefined && { key: checkKey(key) }),
    ...(ifVersion !== undefined && { ifVersion }),
  });
  return job;
}
