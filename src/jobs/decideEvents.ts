import { admit, authorise } from '../auth/authorise.ts';
import {
  AdminRequired,
  InvalidData,
  InvalidTransition,
  MachineFault,
  UnknownMachine,
  VersionMismatch,
  type DataIssue,
  type JobError,
} from '../errors.ts';
import type { Limits } from '../limits.ts';
import { machineEvent } from '../machine/event.ts';
import type { RegisteredMachine } from '../machine/registry.ts';
import { step, type Refused } from '../machine/step.ts';
import type { Draft, Standing } from './decide.ts';
import type { LiveJob } from './liveJob.ts';
import { parseEvent } from './parseEvent.ts';
import type { Request, TakenEvent } from './request.ts';

/** A chain of machine events: accepted whole, or refused whole with the place of the event that failed. */
export function decideEvents(
  { engine, job, at }: Standing & { job: LiveJob },
  request: Request,
  events: readonly TakenEvent[],
): readonly Draft[] {
  const { id: jobId, generation } = job;
  // A token that was revoked learns nothing, not even what is wrong with what it asks for.
  const { principal, right = 'job.send' } = request;
  admit(principal, right, { jobId, generation });
  checkVersion(job, request);
  const machine = machineOf(engine.registry.find(job.type, job.typeVersion), job);
  checkSize(engine.limits, job, request, events);
  let { snapshot, timers } = machine;
  return events.map((taken, index) => {
    const { name, json } = parseEvent(machine.registered, taken, engine.jsonLimits);
    authorise(principal, right, { jobId, generation, event: name });
    const event = machineEvent(name, json, principal.actor, at);
    const decision = step(machine.registered, snapshot, event, timers);
    if (!decision.accepted) throw refusal(machine.registered, jobId, name, index, decision);
    ({ next: snapshot, timers } = decision);
    const { from, to, effects } = decision;
    return { entry: { name, data: json, from, to, effects }, moved: { snapshot, timers } };
  });
}

/** Throws VersionMismatch where the sender has seen another version than the job's. */
export function checkVersion(job: LiveJob, { ifVersion }: Request): void {
  if (ifVersion !== undefined && ifVersion !== job.seq)
    throw new VersionMismatch(ifVersion, job.seq);
}

/** The job's machine in its version, with its snapshot: without both no event can be decided. */
function machineOf(registered: RegisteredMachine | undefined, job: LiveJob) {
  if (!registered) throw new UnknownMachine(`${job.type}@${job.typeVersion}`, []);
  const { snapshot, timers } = job;
  if (snapshot) return { registered, snapshot, timers };
  const label = `${job.type}@${job.typeVersion}`;
  throw new MachineFault(
    label,
    job.lastEvent,
    'the history does not follow this definition; give a changed machine a new version',
  );
}

/** Characters of data. */
export function sizeOfEvents(events: readonly TakenEvent[]): number {
  let size = 0;
  for (const { json } of events) size += json?.length ?? 0;
  return size;
}

function checkSize(
  limits: Limits,
  job: LiveJob,
  { principal }: Request,
  events: readonly TakenEvent[],
): void {
  const bytes = sizeOfEvents(events);
  const issues: DataIssue[] = [];
  if (events.length === 0) issues.push({ path: 'events', message: 'at least one event' });
  if (events.length > limits.chain) {
    issues.push({ path: 'events', message: `at most ${limits.chain} events in a chain` });
  }
  if (bytes > limits.chainBytes) {
    issues.push({
      path: 'events',
      message: `at most ${limits.chainBytes} characters of data in a chain`,
    });
  }
  // Who has to end a job that went astray must still be able to, and so what follows by itself.
  if (
    job.seq - job.createdSeq + 1 + events.length > limits.history &&
    !['admin', 'system'].includes(principal.actor.kind)
  ) {
    issues.push({
      path: 'history',
      message: `a job's history holds at most ${limits.history} entries; only an admin may add more`,
    });
  }
  if (issues.length > 0) throw new InvalidData('events', issues);
}

function refusal(
  registered: RegisteredMachine,
  jobId: string,
  event: string,
  index: number,
  { reason, from, allowed, detail }: Refused,
): JobError {
  if (reason === 'admin') return new AdminRequired(event);
  if (reason === 'fault') {
    return new MachineFault(
      `${registered.name}@${registered.version}`,
      event,
      detail ?? 'no reason',
    );
  }
  return new InvalidTransition({
    jobId,
    event,
    index,
    from,
    allowed,
    target: registered.onlyTarget.get(event),
    guard: reason === 'guard' ? detail : undefined,
  });
}
