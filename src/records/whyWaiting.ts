import { authorise, type Principal } from '../auth/authorise.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { loadLiving } from '../jobs/loadJob.ts';
import { snapshotOf } from '../jobs/liveJob.ts';
import type { QueuePlace } from '../machine/define.ts';
import type { WorkerDocument } from '../store/workerStore.ts';
import { workOf } from './workOf.ts';

/** Why no worker works on a job. */
export interface WhyWaiting {
  /** The id of the job. */
  readonly id: string;
  readonly reason: WaitingReason;
  /** The same for people. */
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * `not_waiting`: see its state, and the worker that has it; `no_workers_needed`: its machine has none;
 * `follows_children`, `cleaning_archive`, `backing_off`: it is not in the queue, or not yet;
 * `no_active_workers`, `tag_unhandled`, `programs_missing`: nobody is there who could take it;
 * `waiting_for_worker`: somebody is.
 */
export type WaitingReason =
  | 'not_waiting'
  | 'no_workers_needed'
  | 'follows_children'
  | 'cleaning_archive'
  | 'backing_off'
  | 'no_active_workers'
  | 'tag_unhandled'
  | 'programs_missing'
  | 'waiting_for_worker';

/** Names of workers that an answer gives at most. */
const maxNames = 20;
const pageSize = 500;

/** Says why a job waits, as it is now. Rejects with JobNotFound. */
export async function whyWaiting(
  engine: Engine,
  principal: Principal,
  id: string,
): Promise<WhyWaiting> {
  const job = await loadLiving(engine, id);
  authorise(principal, 'job.read', { jobId: id, generation: job.generation });
  const { queue, lease } = workOf(engine.registry, job);
  if (lease) {
    const message = `it is ${job.state}: worker ${lease.worker} has had it since ${lease.since}`;
    return why(job, 'not_waiting', message, { ...lease });
  }
  return queue ? whyQueued(engine, job, queue) : whyNotQueued(engine, job);
}

async function whyQueued(engine: Engine, job: LiveJob, place: QueuePlace): Promise<WhyWaiting> {
  const { tag, needs, readyAt } = place;
  if (readyAt !== null && Date.parse(readyAt) > engine.now())
    return why(job, 'backing_off', `it is not tried again before ${readyAt}`, { readyAt });
  const active = await activeWorkers(engine);
  const details = { tag, programs: needs };
  if (active.length === 0) return why(job, 'no_active_workers', 'no worker is active', details);
  const handling = active.filter(({ tags }) => tags.includes(tag) || tags.includes('*'));
  if (handling.length === 0) {
    const message = `none of the ${active.length} active workers takes the tag ${tag}`;
    return why(job, 'tag_unhandled', message, { ...details, activeWorkers: active.length });
  }
  const able = handling.filter((worker) => lacking(worker, needs).length === 0);
  if (able.length === 0) return whyUnable(job, place, handling);
  const workers = namesOf(able);
  const message = `it waits for one of ${able.length} workers that can take it: ${shown(able)}`;
  return why(job, 'waiting_for_worker', message, { ...details, workers, ableWorkers: able.length });
}

/** Names what nobody has; where each program is with somebody, what the nearest worker lacks. */
function whyUnable(
  job: LiveJob,
  { tag, needs }: QueuePlace,
  handling: readonly WorkerDocument[],
): WhyWaiting {
  const nowhere = needs.filter((name) =>
    handling.every((worker) => lacking(worker, [name]).length),
  );
  const [nearest = handling[0]] = [...handling].sort(
    (one, other) => lacking(one, needs).length - lacking(other, needs).length,
  );
  const missing = nowhere.length > 0 || !nearest ? nowhere : lacking(nearest, needs);
  const message =
    nowhere.length > 0
      ? `no active worker that takes the tag ${tag} has ${missing.join(', ')}`
      : `no active worker that takes the tag ${tag} has all of ${needs.join(', ')}; ${nearest?.name} lacks ${missing.join(', ')}`;
  return why(job, 'programs_missing', message, { tag, programs: needs, missing });
}

async function whyNotQueued(engine: Engine, job: LiveJob): Promise<WhyWaiting> {
  const { definition } = engine.registry.find(job.type, job.typeVersion) ?? {};
  const context = (snapshotOf(job)?.context ?? {}) as { awaits?: unknown; cleaning?: unknown };
  if (definition && !definition.work)
    return why(job, 'no_workers_needed', `jobs of the machine ${job.type} are not for workers`);
  const isOpen = job.state === 'waiting' || job.state === 'running';
  if (isOpen && context.awaits === 'children') return whyFollowing(engine, job);
  if (job.state === 'waiting' && context.cleaning === true)
    return why(job, 'cleaning_archive', 'its archive is being emptied');
  return why(job, 'not_waiting', `it is ${job.state} since ${job.updatedAt.toISOString()}`);
}

async function whyFollowing(engine: Engine, job: LiveJob): Promise<WhyWaiting> {
  const children: Record<string, number> = {};
  for (const { state, children: count } of await engine.store.countChildren(job.id))
    children[state] = (children[state] ?? 0) + count;
  const told = Object.entries(children).map(([state, count]) => `${count} ${state}`);
  const message = `it follows its children: ${told.join(', ') || 'it has none yet'}`;
  return why(job, 'follows_children', message, { children });
}

function why(
  { id, state, updatedAt }: LiveJob,
  reason: WaitingReason,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): WhyWaiting {
  return { id, reason, message, details: { state, since: updatedAt.toISOString(), ...details } };
}

async function activeWorkers({ store }: Engine): Promise<WorkerDocument[]> {
  const workers: WorkerDocument[] = [];
  for (;;) {
    const after = workers.at(-1)?.name;
    const page = await store.listWorkers({ status: 'active', limit: pageSize, after });
    workers.push(...page);
    if (page.length < pageSize) return workers;
  }
}

const lacking = ({ programs }: WorkerDocument, needs: readonly string[]): string[] =>
  needs.filter((name) => !Object.hasOwn(programs, name));

const namesOf = (workers: readonly WorkerDocument[]): string[] =>
  workers.slice(0, maxNames).map(({ name }) => name);

const shown = (workers: readonly WorkerDocument[]): string =>
  `${workers
    .slice(0, 3)
    .map(({ name }) => name)
    .join(', ')}${workers.length > 3 ? ', …' : ''}`;
