import { authorise, type Principal } from '../auth/authorise.ts';
import { CancelTooLate } from '../errors.ts';
import { machineEvent } from '../machine/event.ts';
import { step, type Timer } from '../machine/step.ts';
import { linkFields } from '../store/store.ts';
import type { Draft, Standing } from './decide.ts';
import { checkVersion } from './decideEvents.ts';
import type { LiveJob } from './liveJob.ts';
import type { Demand, Request } from './request.ts';

type StandingJob = Standing & { readonly job: LiveJob };

/** Cancels while nothing but `create` has happened, as the log tells; deletes for an admin, at any time. */
export function decideRemove(
  { job }: StandingJob,
  request: Request,
  { name, json }: Demand & { kind: 'remove' },
): readonly Draft[] {
  const { id: jobId, generation } = job;
  authorise(request.principal, name === 'cancel' ? 'job.cancel' : 'job.delete', {
    jobId,
    generation,
  });
  checkVersion(job, request);
  if (name === 'cancel' && job.seq !== job.createdSeq) throw new CancelTooLate(jobId, job.state);
  const effects = [{ type: 'unlinkDocuments', params: null }];
  return [{ entry: { name, operation: 'remove', data: json, from: job.state, to: null, effects } }];
}

/** Ends all tokens of the job that were issued before. */
export function decideRevoke(
  { job }: StandingJob,
  request: Request,
  json: string | null,
): readonly Draft[] {
  authorise(request.principal, 'token.revoke', { jobId: job.id });
  checkVersion(job, request);
  return [
    { entry: { name: 'revoke', operation: 'revoke', data: json, from: job.state, to: job.state } },
  ];
}

/** Drops the id of a deleted job from the links; nothing where it is not among them. */
export function decideUnlink(job: LiveJob, id: string): readonly Draft[] {
  if (!linkFields.some((field) => job.links[field]?.includes(id))) return [];
  const data = JSON.stringify({ id });
  return [{ entry: { name: 'unlink', operation: 'unlink', data, from: job.state, to: job.state } }];
}

/** Fires every timer that is due, earliest first. One that no longer leads anywhere is only ticked off. */
export function decideTimers(
  { engine, job, at }: StandingJob,
  { actor }: Principal,
): readonly Draft[] {
  const registered = engine.registry.find(job.type, job.typeVersion);
  let { snapshot, timers } = job;
  if (!registered || !snapshot) return [];
  const drafts: Draft[] = [];
  for (let due = nextDue(timers, at); due && drafts.length < maxFired; due = nextDue(timers, at)) {
    const { id, event: type } = due;
    timers = timers.filter((timer) => timer.id !== id);
    const event = machineEvent(type, null, actor, at);
    const decision = step(registered, snapshot, event, timers);
    const from: string = drafts.at(-1)?.entry.to ?? job.state;
    if (decision.accepted) ({ next: snapshot, timers } = decision);
    const { to, effects } = decision.accepted ? decision : { to: from, effects: [] };
    const data = JSON.stringify({ event: type, id });
    drafts.push({
      entry: { name: 'timer', operation: 'timer', data, from, to, effects },
      moved: { snapshot, timers },
    });
  }
  return drafts;
}

/** In one commit; timers without a delay that start each other would never end. */
const maxFired = 100;

const nextDue = (timers: readonly Timer[], at: Date): Timer | undefined =>
  timers
    .filter(({ dueAt }) => dueAt <= at)
    .sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime())[0];
