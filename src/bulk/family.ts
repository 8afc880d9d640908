import type { Engine } from '../jobs/engine.ts';

/** Who of some jobs is a parent of whom. */
export interface Family {
  readonly parents: ReadonlyMap<string, readonly string[]>;
  readonly children: ReadonlyMap<string, readonly string[]>;
}

export const noFamily: Family = { parents: new Map(), children: new Map() };

const batchSize = 1_000;

/** Who of these jobs is a parent of whom. What is not at hand may lag behind other processes as lists do. */
export async function readFamily(
  { store, live }: Pick<Engine, 'store' | 'live'>,
  ids: ReadonlySet<string>,
): Promise<Family> {
  const parents = new Map<string, string[]>();
  const children = new Map<string, string[]>();
  const note = (id: string, named: readonly string[] = []): void => {
    for (const parent of named) {
      if (!ids.has(parent) || parent === id) continue;
      add(parents, id, parent);
      add(children, parent, id);
    }
  };
  const others: string[] = [];
  for (const id of ids) {
    const job = live.peek(id);
    if (job) note(id, job.links.child_of);
    else others.push(id);
  }
  for (let at = 0; at < others.length; at += batchSize) {
    const jobs = await store.readRelatives(others.slice(at, at + batchSize));
    for (const { id, parents: named } of jobs) note(id, named);
  }
  return { parents, children };
}

function add(to: Map<string, string[]>, key: string, value: string): void {
  const known = to.get(key);
  if (known) known.push(value);
  else to.set(key, [value]);
}

/** These jobs, and all that is before them: what `before` leads to, and what that leads to. */
export function withAllBefore(
  ids: readonly string[],
  before: ReadonlyMap<string, readonly string[]>,
): ReadonlySet<string> {
  const all = new Set(ids);
  // A set is walked over what is added meanwhile, too.
  for (const id of all) before.get(id)?.forEach((each) => all.add(each));
  return all;
}

/** The same jobs in waves: each after all that is before it. What lies in a circle comes when it is met. */
export function inWaves(
  ids: ReadonlySet<string>,
  before: ReadonlyMap<string, readonly string[]>,
): string[][] {
  const levels = new Map<string, number>();
  const ownOf = (id: string): string[] => (before.get(id) ?? []).filter((each) => ids.has(each));
  for (const id of ids) {
    // No recursion: a line of descent may be longer than the stack is deep.
    const open = [id];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const own = ownOf(top);
      if (!levels.has(top)) {
        // Met again below itself, it does not count.
        levels.set(top, -1);
        open.push(...own.filter((each) => !levels.has(each)));
        continue;
      }
      if (levels.get(top) === -1) {
        levels.set(
          top,
          own.reduce((highest, each) => Math.max(highest, (levels.get(each) ?? -1) + 1), 0),
        );
      }
      open.pop();
    }
  }
  const waves: string[][] = [];
  for (const id of ids) (waves[levels.get(id) ?? 0] ??= []).push(id);
  return waves.filter((wave) => wave.length > 0);
}
