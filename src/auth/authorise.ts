import { AdminRequired, Forbidden, Unauthenticated } from '../errors.ts';
import type { Actor, ActorKind } from '../machine/actor.ts';
import type { VerifiedToken } from './tokens.ts';

/** Everything that can be asked of the product, from whichever door. */
export type Action =
  | 'job.create'
  | 'job.read'
  | 'job.list'
  | 'job.send'
  | 'job.cancel'
  | 'job.reset'
  | 'job.delete'
  | 'token.issue'
  | 'token.revoke'
  | 'registry.read'
  | 'registry.write'
  | 'stream.read'
  | 'metrics.read'
  | 'audit.read'
  | 'job.work'
  | 'worker.act'
  | 'worker.read'
  | 'bulk.run'
  | 'dataset.write';

/** Who asks: an actor, and the token that proves it where it came with one. */
export interface Principal {
  readonly actor: Actor;
  readonly token?: VerifiedToken;
}

/** What is asked for. A job's generation is known once it is loaded, so a caller may ask twice. */
export interface Target {
  readonly jobId?: string;
  readonly generation?: number;
  readonly event?: string;
}

const ADMIN: ActorKind[] = ['admin'];
const OPERATORS: ActorKind[] = ['operator', 'admin', 'system'];
const READERS: ActorKind[] = ['reader', ...OPERATORS];

/** The one table: who may do what. What is not written here is refused. */
const TABLE: Readonly<Record<Action, { does: string; who: readonly ActorKind[] }>> = {
  'job.create': { does: 'create jobs', who: OPERATORS },
  'job.read': { does: 'read a job', who: ['job', ...READERS] },
  'job.list': { does: 'list jobs', who: READERS },
  'job.send': { does: 'send events', who: ['job', ...OPERATORS] },
  'job.cancel': { does: 'cancel', who: ['job', ...OPERATORS] },
  'job.reset': { does: 'reset', who: ADMIN },
  'job.delete': { does: 'delete', who: ADMIN },
  'token.issue': { does: 'issue tokens', who: OPERATORS },
  'token.revoke': { does: 'revoke tokens', who: OPERATORS },
  'registry.read': { does: 'read the registry', who: READERS },
  'registry.write': { does: 'write to the registry', who: OPERATORS },
  'stream.read': { does: 'read the stream', who: READERS },
  'metrics.read': { does: 'read the metrics', who: READERS },
  'audit.read': { does: 'read the audit records', who: ADMIN },
  // What a worker does to the jobs that it has; its name stands for it, see src/records.
  'job.work': { does: 'work on jobs', who: ['worker', ...OPERATORS] },
  'worker.act': { does: 'act as a worker', who: ['worker', ...OPERATORS] },
  'worker.read': { does: 'read workers', who: READERS },
  // Each job asks again for what the operation needs there: a hard delete takes an admin.
  'bulk.run': { does: 'act on many jobs', who: OPERATORS },
  'dataset.write': { does: 'write datasets', who: OPERATORS },
};

/**
 * Returns if the principal may do this, else throws:
 * - Unauthenticated for a job token used on another job, or of an older generation than the job's
 *   (it was revoked), and for an actor that its token does not prove;
 * - AdminRequired for what only an admin does;
 * - Forbidden for the rest, so also for an event or a cancel that a job token's list leaves out.
 *
 * The generation is compared wherever the target has one: whoever acts on a job by its token asks
 * again with the generation of the job as loaded. A guard, not this table, refuses a single event
 * such as reset.
 */
export function authorise(principal: Principal, action: Action, target: Target = {}): void {
  admit(principal, action, target);
  if (principal.actor.kind === 'job') requireListed(principal, action, target);
}

/**
 * The same but for the list of events of a job token: for a door that does not know yet which events
 * are asked for. Whoever decides them authorises each.
 */
export function admit(principal: Principal, action: Action, target: Target = {}): void {
  const { kind } = principal.actor;
  requireProof(principal);
  if (kind === 'job') requireOwnJob(principal, target);
  const row = Object.hasOwn(TABLE, action) ? TABLE[action] : undefined;
  if (!row) throw new Forbidden('do this', 'there is no such action');
  if (!row.who.includes(kind)) {
    if (row.who === ADMIN) throw new AdminRequired(row.does);
    // Nobody can come as the system, so it is no advice.
    const takes = row.who.filter((able) => able !== 'system').join(', ');
    throw new Forbidden(row.does, `a ${kind} has no right to; it takes one of ${takes}`);
  }
  if (kind === 'job' && target.jobId === undefined)
    throw new Forbidden(row.does, 'no job is named');
}

/** An actor with a token is the token's; a job acts by nothing but its token. */
function requireProof({ actor, token }: Principal): void {
  if (!token && actor.kind !== 'job') return;
  if (token?.actor.kind === actor.kind && token.actor.id === actor.id) return;
  throw new Unauthenticated('the token does not prove this actor');
}

function requireOwnJob({ actor, token }: Principal, { jobId, generation }: Target): void {
  if (jobId !== undefined && jobId !== actor.id) {
    throw new Unauthenticated('the token belongs to another job');
  }
  if (generation !== undefined && generation !== token?.generation) {
    throw new Unauthenticated('the token was revoked');
  }
}

/** A job's token is for the events in its list, where it has one. */
function requireListed({ token }: Principal, action: Action, target: Target): void {
  if (!token?.events || action === 'job.read') return;
  const event = action === 'job.cancel' ? 'cancel' : target.event?.toLowerCase();
  if (event !== undefined && token.events.has(event)) return;
  const list = [...token.events].join(', ') || 'no event';
  throw new Forbidden(TABLE[action].does, `this token is only for ${list}`);
}
