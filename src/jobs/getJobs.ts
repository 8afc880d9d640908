import { InvalidData, JobNotFound } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';
import { foldOnto, loadJob } from './loadJob.ts';

/** How many jobs one call may ask for. */
export const maxJobsToGet = 1_000;

export interface GetOptions {
  /** Null in the place of a job that is not there, instead of a refusal. */
  readonly missingOk?: boolean | undefined;
}

/**
 * Jobs by their ids, in the order of the ids, one for each however often it is named; each as it is now,
 * every event acknowledged before the call included. Rejects with JobNotFound for the first that is not
 * there, unless that is told to be fine, and with InvalidData for more ids than one call may give.
 */
export async function getJobs(
  engine: Engine,
  ids: readonly string[],
  { missingOk = false }: GetOptions = {},
): Promise<(LiveJob | null)[]> {
  checkIds(ids);
  const known = new Map<string, LiveJob>();
  for (const job of await loadJobs(engine, new Set(ids))) known.set(job.id, job);
  const jobs = ids.map((id) => known.get(id) ?? null);
  const missing = jobs.indexOf(null);
  if (missing >= 0 && !missingOk) throw new JobNotFound(ids[missing]);
  return jobs;
}

/** Those that live, in no order. Their documents come in one query, and the few newer commits on top. */
async function loadJobs(engine: Engine, ids: ReadonlySet<string>): Promise<LiveJob[]> {
  const { store, registry, live } = engine;
  const unknown = [...ids].filter((id) => !live.peek(id));
  const projected = await store.readProjected(unknown);
  for (const { document } of projected.values()) {
    const job = document && foldOnto(registry, document, []);
    if (job) live.put(job);
  }
  const jobs = await Promise.all([...ids].map((id) => loadJob(engine, id)));
  return jobs.filter((job): job is LiveJob => job !== null && !job.removed);
}

function checkIds(ids: unknown): void {
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string' && id.length <= 200)) {
    throw new InvalidData('ids', [{ path: 'ids', message: 'a list of job ids' }]);
  }
  if (ids.length <= maxJobsToGet) return;
  const message = `${ids.length} ids, at most ${maxJobsToGet} in one call; ask in several`;
  throw new InvalidData('ids', [{ path: 'ids', message }]);
}
