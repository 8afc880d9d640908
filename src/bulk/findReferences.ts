import type { LiveJob } from '../jobs/liveJob.ts';
import { loadJob } from '../jobs/loadJob.ts';
import type { Work } from './work.ts';

/** Id → jobs and datasets that refer to it; an id that nothing refers to is left out. */
export type References = ReadonlyMap<string, readonly string[]>;

/**
 * What keeps these jobs from being deleted for good: living parents that this operation has not deleted,
 * and datasets. The links of a job are those at hand; they only lose parents, never gain any.
 */
export async function findReferences(
  work: Work,
  ids: readonly string[],
  jobs: ReadonlyMap<string, LiveJob | null>,
): Promise<References> {
  const { engine, gone } = work;
  const parentsOf = new Map(ids.map((id) => [id, jobs.get(id)?.links.child_of ?? []]));
  const parents = new Set([...parentsOf.values()].flat());
  const left = [...parents].filter((id) => !gone.has(id));
  const [living, inDatasets] = await Promise.all([
    livingOf(work, left),
    engine.store.inDatasets(ids),
  ]);
  const found = new Map<string, readonly string[]>();
  for (const [id, own] of parentsOf) {
    const by = own.filter((parent) => living.has(parent)).slice(0, 5);
    if (inDatasets.has(id)) by.push('a dataset');
    if (by.length > 0) found.set(id, by);
  }
  return found;
}

/** A parent that is a document has no log and is none. */
async function livingOf({ engine }: Work, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const jobs = await Promise.all(ids.map((id) => loadJob(engine, id)));
  return new Set(jobs.flatMap((job) => (job && !job.removed ? [job.id] : [])));
}
