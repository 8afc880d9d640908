import type { Relative } from '../store/relationStore.ts';
import type { Family } from './family.ts';

export interface ReachedJob {
  readonly id: string;
  readonly type: string;
  /** Its dotted state. */
  readonly state: string;
  /** Above: an ancestor of a requested job. Below: a descendant. Beside: tied by some other way. */
  readonly side: 'above' | 'below' | 'beside';
}

/**
 * Puts a family in order, without the requested jobs: ancestors of these first, and every parent before
 * its children. Jobs in a circle come in the order in which they were found.
 */
export function orderRelatives(family: Family, requested: ReadonlySet<string>): ReachedJob[] {
  const above = ancestorsIn(family, requested);
  const below = descendantsIn(family, requested);
  const sideOf = (id: string): ReachedJob['side'] =>
    above.has(id) ? 'above' : below.has(id) ? 'below' : 'beside';
  const reached = parentsFirst(family)
    .filter(({ id }) => !requested.has(id))
    .map(({ id, type, state }) => ({ id, type, state, side: sideOf(id) }));
  return [
    ...reached.filter(({ side }) => side === 'above'),
    ...reached.filter(({ side }) => side !== 'above'),
  ];
}

function ancestorsIn(family: Family, requested: ReadonlySet<string>): ReadonlySet<string> {
  const above = new Set<string>();
  const add = (id: string): void => {
    for (const parent of family.get(id)?.parents ?? []) if (family.has(parent)) above.add(parent);
  };
  requested.forEach(add);
  above.forEach(add);
  return above;
}

function descendantsIn(family: Family, requested: ReadonlySet<string>): ReadonlySet<string> {
  const children = childrenIn(family);
  const below = new Set<string>();
  const add = (id: string): void => children.get(id)?.forEach((child) => below.add(child));
  requested.forEach(add);
  below.forEach(add);
  return below;
}

/** Each job once all its parents are out; where none is left without, a circle is broken at its first. */
function parentsFirst(family: Family): Relative[] {
  const children = childrenIn(family);
  const awaited = new Map<string, number>();
  for (const [id, { parents }] of family) {
    awaited.set(id, new Set(parents.filter((parent) => family.has(parent))).size);
  }
  const out = new Set<string>();
  const order: string[] = [];
  const take = (id: string): void => {
    if (!out.has(id)) order.push(id);
    out.add(id);
  };
  const release = (child: string): void => {
    const left = (awaited.get(child) ?? 0) - 1;
    awaited.set(child, left);
    if (left === 0) take(child);
  };
  let next = 0;
  const followOrder = (): void => {
    for (let id = order[next]; id !== undefined; id = order[next]) {
      next += 1;
      children.get(id)?.forEach(release);
    }
  };
  for (const [id, count] of awaited) if (count === 0) take(id);
  followOrder();
  for (const id of family.keys()) {
    take(id);
    followOrder();
  }
  return order.flatMap((id) => family.get(id) ?? []);
}

/** Job → its children in the family, each once. */
function childrenIn(family: Family): ReadonlyMap<string, ReadonlySet<string>> {
  const children = new Map<string, Set<string>>();
  for (const [id, { parents }] of family) {
    for (const parent of parents) {
      const known = children.get(parent) ?? new Set<string>();
      children.set(parent, known.add(id));
    }
  }
  return children;
}
