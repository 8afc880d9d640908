import type { Engine } from '../jobs/engine.ts';
import { readJobs, type Family } from './family.ts';

/**
 * Takes out of a family of jobs and their descendants what has a living parent outside of it, and with
 * that all that is only below: for whatever loses a parent has one outside as well. Resolves to those left
 * out that are children of a job still in it.
 */
export async function leaveOutShared(
  engine: Pick<Engine, 'store'>,
  family: Family,
  requested: ReadonlySet<string>,
): Promise<string[]> {
  const below = [...family.values()].filter(({ id }) => !requested.has(id));
  const unknown = new Set(
    below.flatMap(({ parents }) => parents).filter((id) => !family.has(id) && !requested.has(id)),
  );
  const outside = new Set<string>();
  await readJobs(engine, unknown, ({ id }) => outside.add(id));
  if (outside.size === 0) return [];

  const childrenOf = new Map<string, string[]>();
  for (const { id, parents } of below) {
    for (const parent of parents) {
      const children = childrenOf.get(parent) ?? [];
      childrenOf.set(parent, children);
      children.push(id);
    }
  }
  const open = below.filter(({ parents }) => parents.some((id) => outside.has(id)));
  const leftOut = new Map(open.map((job) => [job.id, job]));
  for (const { id } of leftOut.values()) {
    // A map is walked over what is added meanwhile, too.
    for (const child of childrenOf.get(id) ?? []) {
      const job = requested.has(child) ? undefined : family.get(child);
      if (job) leftOut.set(child, job);
    }
  }
  for (const id of leftOut.keys()) family.delete(id);
  return [...leftOut.values()]
    .filter(({ parents }) => parents.some((id) => family.has(id) || requested.has(id)))
    .map(({ id }) => id);
}
