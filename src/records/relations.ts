import { InvalidData } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { Relative } from '../store/relationStore.ts';
import { readChildren, readJobs, type Family } from './family.ts';
import { leaveOutShared } from './leaveOutShared.ts';
import { orderRelatives, type ReachedJob } from './orderRelatives.ts';

/** How far an operation on a job reaches: to it alone, or to those above, below, or tied to it at all. */
export type Scope = (typeof scopes)[number];
export const scopes = ['self', 'ancestors', 'descendants', 'component'] as const;

export interface ReachOptions {
  readonly scope: Scope;
  /** Whether descendants that others have for a child as well are reached. Default: false. */
  readonly includeShared?: boolean | undefined;
}

export interface Reach {
  /** Without the requested jobs; those above first, and a parent always before its children. */
  readonly relatives: readonly ReachedJob[];
  /** Children left out, as they have a living parent outside; what is only below them is left out with them. */
  readonly shared: readonly string[];
}

/** How many relatives an operation takes along at most. */
const maxRelatives = 100_000;

/**
 * The relatives that an operation on these jobs reaches. A job's children name it in their `child_of`;
 * its parents are the living jobs that it names there. What lies in a circle is told once. May lag behind
 * other processes as lists do. More than 100,000 relatives are InvalidData.
 */
export async function relativesOf(
  engine: Pick<Engine, 'store' | 'projector'>,
  ids: readonly string[],
  { scope, includeShared = false }: ReachOptions,
): Promise<Reach> {
  if (scope === 'self' || ids.length === 0) return { relatives: [], shared: [] };
  await engine.projector.flush();
  const requested = new Set(ids);
  const family: Family = new Map();
  await readJobs(engine, requested, (each) => family.set(each.id, each));
  const own = family.size;
  const check = (): void => checkSize(family.size - own);
  if (scope === 'ancestors') await climb(engine, family, [...family.values()], check);
  if (scope === 'descendants') await descend(engine, family, requested, check);
  if (scope === 'component') await spread(engine, family, requested, check);
  const leavesOut = scope === 'descendants' && !includeShared;
  const shared = leavesOut ? await leaveOutShared(engine, family, requested) : [];
  return { relatives: orderRelatives(family, requested), shared };
}

/** Adds all ancestors of these jobs; resolves to those that are new. */
async function climb(
  engine: Pick<Engine, 'store'>,
  family: Family,
  from: readonly Relative[],
  check: () => void,
): Promise<Relative[]> {
  const added: Relative[] = [];
  // A parent that is a document, or gone, is asked about once.
  const asked = new Set<string>();
  for (let level = from; level.length > 0;) {
    const wanted = new Set(
      level.flatMap(({ parents }) => parents).filter((id) => !family.has(id) && !asked.has(id)),
    );
    for (const id of wanted) asked.add(id);
    const found: Relative[] = [];
    await readJobs(engine, wanted, (each) => {
      family.set(each.id, each);
      found.push(each);
      check();
    });
    for (const each of found) added.push(each);
    level = found;
  }
  return added;
}

/** Adds all descendants of these jobs; resolves to those that are new. */
async function descend(
  engine: Pick<Engine, 'store'>,
  family: Family,
  from: Iterable<string>,
  check: () => void,
): Promise<Relative[]> {
  const added: Relative[] = [];
  for (let level = [...from]; level.length > 0;) {
    const found: string[] = [];
    await readChildren(engine, level, (child) => {
      if (family.has(child.id)) return;
      family.set(child.id, child);
      found.push(child.id);
      added.push(child);
      check();
    });
    level = found;
  }
  return added;
}

/** Adds all that is tied to these jobs, up and down, until there is nothing new. */
async function spread(
  engine: Pick<Engine, 'store'>,
  family: Family,
  requested: ReadonlySet<string>,
  check: () => void,
): Promise<void> {
  const first = [...family.values()];
  let lower = first.concat(await descend(engine, family, requested, check));
  while (lower.length > 0) {
    const above = await climb(engine, family, lower, check);
    const ids = above.map(({ id }) => id);
    lower = await descend(engine, family, ids, check);
  }
}

function checkSize(relatives: number): void {
  if (relatives <= maxRelatives) return;
  const message = `these jobs have more than ${maxRelatives} relatives; act on fewer at a time`;
  throw new InvalidData('scope', [{ path: 'scope', message }]);
}
