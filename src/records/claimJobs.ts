import { InvalidData, JobError, StoreUnavailable, VersionMismatch } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { takeEvent } from '../jobs/parseEvent.ts';
import type { TakenEvent } from '../jobs/request.ts';
import { sendEvents } from '../jobs/sendEvents.ts';
import { startParents } from './settleParents.ts';
import { readLane } from '../store/queueStore.ts';
import type { WorkerDocument } from '../store/workerStore.ts';
import { toWords } from './workerWords.ts';
import { workOf } from './workOf.ts';
import type { ClaimedJob, ClaimRequest } from './workerProtocol.ts';

/** Jobs that one call may claim. */
export const maxClaims = 200;

/** An answer ends early where its jobs hold more data than this, in characters; the next claim has the rest. */
const maxCharacters = 8 * 1024 * 1024;

/** What a worker may take now. */
interface Wish {
  readonly limit: number;
  /** In the order in which they are served. */
  readonly tags: readonly string[];
  readonly programs: ReadonlySet<string>;
}

/** What a call may claim of what the worker declared. Throws InvalidData where none of it is left. */
export function readWish(worker: WorkerDocument, request: ClaimRequest): Wish {
  const declared = Object.keys(worker.programs);
  const takesAll = worker.tags.includes('*');
  const tags = toWords('tags', request.tags);
  const programs = toWords('programs', request.programs);
  return {
    limit: readLimit(request.limit),
    tags: tags
      ? known(
          'tags',
          tags.filter((tag) => takesAll || worker.tags.includes(tag)),
        )
      : worker.tags,
    programs: new Set(
      programs
        ? known(
            'programs',
            programs.filter((name) => declared.includes(name)),
          )
        : declared,
    ),
  };
}

/**
 * Claims jobs for an active worker: tag after tag in its order, within a tag the higher priority first, then
 * the older. Each claim is an event on its job, so who loses a race for one, in whichever process, is passed
 * over. Rejects with StoreUnavailable only where nothing was claimed; a claim of which nobody knows is given
 * back by and by.
 */
export async function claimJobs(engine: Engine, worker: string, wish: Wish): Promise<ClaimedJob[]> {
  return engine.claims.during(async () => {
    const claimed: ClaimedJob[] = [];
    const event = takeEvent({ name: 'claim', data: { worker } }, engine.jsonLimits);
    const task = {
      engine,
      worker,
      wish,
      claimed,
      event,
      parents: new Set<string>(),
      room: maxCharacters,
    };
    await claimOnce(task);
    if (claimed.length === 0 && wish.limit > 0) {
      // What this process has just set up may not be in the queue yet.
      await engine.projector.flush();
      await claimOnce(task, 'now');
    }
    tellParentsOf(task);
    return claimed;
  });
}

/** Not waited for: the end of a child makes up for what fails here. */
function tellParentsOf({ engine, parents }: Task): void {
  if (parents.size === 0) return;
  startParents(engine, parents).catch((error: unknown) =>
    engine.telemetry.emit('duty.failed', { duty: 'startParents', error: String(error) }),
  );
}

interface Task {
  readonly engine: Engine;
  readonly worker: string;
  readonly wish: Wish;
  readonly claimed: ClaimedJob[];
  readonly event: TakenEvent;
  /** Those of claimed jobs that may follow their children. */
  readonly parents: Set<string>;
  /** Characters of data that the answer may still have. */
  room: number;
}

async function claimOnce(task: Task, asOf?: 'now'): Promise<void> {
  if (task.wish.limit === 0) return;
  try {
    await claimByTags(task, asOf);
  } catch (error) {
    // What is claimed has to be told.
    if (task.claimed.length === 0) throw error;
  }
}

async function claimByTags(task: Task, asOf?: 'now'): Promise<void> {
  const { engine, wish, claimed } = task;
  const all = await engine.claims.lanes(asOf);
  const lanes = all
    .map((lane) => ({ lane, ...readLane(lane) }))
    .filter(({ needs }) => needs.every((name) => wish.programs.has(name)));
  for (const tag of wish.tags) {
    const own = lanes.filter((each) => tag === '*' || each.tag === tag).map(({ lane }) => lane);
    if (own.length > 0) await claimFrom(task, own);
    if (claimed.length >= wish.limit) return;
  }
}

/** Claims until there is enough or nothing left. */
async function claimFrom(task: Task, lanes: readonly string[]): Promise<void> {
  const { engine, wish, claimed } = task;
  for (;;) {
    const wanted = wish.limit - claimed.length;
    const found = await engine.claims.take(lanes, wanted);
    const jobs = fitting(task, found);
    for (const each of found.slice(jobs.length)) engine.claims.settle(lanes, each, false);
    const outcomes = await Promise.allSettled(jobs.map((each) => claimOne(task, lanes, each)));
    const values = outcomes.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const lost = values.filter((each) => each === 'lost').length;
    if (lost > 0) engine.claims.evade(lost, values.length);
    claimed.push(...values.filter((each) => typeof each !== 'string'));
    const failed = outcomes.find((each) => each.status === 'rejected');
    if (failed) throw failed.reason;
    if (claimed.length >= wish.limit || jobs.length < wanted) return;
  }
}

/** The first of these jobs that the answer still has room for; one at least. */
function fitting(task: Task, jobs: readonly LiveJob[]): readonly LiveJob[] {
  const end = jobs.findIndex(({ data }) => {
    const hasRoom = task.room > 0;
    if (hasRoom) task.room -= data.length;
    return !hasRoom;
  });
  return end < 0 ? jobs : jobs.slice(0, end);
}

/** `lost` to another process; or it cannot be claimed after all. */
async function claimOne(
  { engine, worker, event, parents }: Task,
  lanes: readonly string[],
  before: LiveJob,
): Promise<ClaimedJob | 'lost' | 'refused'> {
  let used = true;
  try {
    const { job } = await sendEvents(engine, before.id, {
      // The door has checked whose worker it is.
      principal: { actor: { kind: 'worker', id: worker } },
      right: 'job.work',
      ifVersion: before.seq,
      demand: { kind: 'events', events: [event] },
    });
    for (const parent of job.links.child_of ?? []) parents.add(parent);
    const { lease } = workOf(engine.registry, job);
    // A machine whose claim gives no lease has nothing for a worker to report on.
    return lease ? viewClaim(engine, before, lease.epoch) : 'refused';
  } catch (error) {
    if (error instanceof VersionMismatch) return 'lost';
    used = error instanceof JobError && !(error instanceof StoreUnavailable);
    if (used) return 'refused';
    throw error;
  } finally {
    engine.claims.settle(lanes, before, used);
  }
}

function viewClaim({ registry }: Engine, job: LiveJob, epoch: number): ClaimedJob {
  const { id, type, data, setup, createdAt } = job;
  const { tag = '', priority = 0, needs: programs = [] } = workOf(registry, job).queue ?? {};
  return {
    id,
    epoch,
    type,
    tag,
    priority,
    programs,
    data: JSON.parse(data) as Record<string, unknown>,
    archivePath: setup.archivePath,
    createdAt: createdAt.toISOString(),
  };
}

function readLimit(limit: number | null | undefined): number {
  if (limit === undefined || limit === null) return maxClaims;
  if (Number.isSafeInteger(limit) && limit >= 0) return Math.min(limit, maxClaims);
  throw new InvalidData('claim', [{ path: 'limit', message: 'a whole number, 0 or more' }]);
}

function known(path: 'tags' | 'programs', names: readonly string[]): readonly string[] {
  if (names.length > 0) return names;
  const message = `none of those that the worker declared`;
  throw new InvalidData('claim', [{ path, message }]);
}
