import type { Engine } from '../jobs/engine.ts';
import { loadJob } from '../jobs/loadJob.ts';
import { endStates, type EndStates } from './endStates.ts';

/** How many children of a job ended in which state; good ends of any machine count as `complete`. */
export type EndCounts = Readonly<Record<string, number>>;

/** Children looked at together. */
const atATime = 200;

/**
 * How the children of a job ended; null while one has not, or where there is none. A child set up or
 * begun anew after this looked is as one that came after the parent's end.
 */
export async function countEnds(engine: Engine, parent: string): Promise<EndCounts | null> {
  const ends = endStates(engine.registry);
  const all = Object.fromEntries(
    Object.entries(ends).map(([type, { well, badly }]) => [type, [...well, ...badly]]),
  );
  // Ends at the first it finds: this is asked once for every child that ends.
  if (await engine.store.hasChildOutside(parent, all)) return null;
  const counts: Record<string, number> = {};
  for (const { type, state, children } of await engine.store.countChildren(parent)) {
    if (!Object.hasOwn(ends, type)) continue;
    const end = endOf(ends, type, state);
    if (end === undefined) return null;
    counts[end] = (counts[end] ?? 0) + children;
  }
  const states = Object.keys(counts);
  if (states.length === 0) return null;
  if (states.some((state) => state !== 'complete') && (await isOneOpen(engine, ends, parent))) {
    return null;
  }
  return counts;
}

/**
 * Whether a child that lists show as ended badly has been begun anew, as the log tells: lists may lag
 * behind that, and what is complete is not begun anew.
 */
async function isOneOpen(engine: Engine, ends: EndStates, parent: string): Promise<boolean> {
  const isOpen = async (id: string): Promise<boolean> => {
    const job = await loadJob(engine, id);
    return !!job && !job.removed && endOf(ends, job.type, job.state) === undefined;
  };
  let batch: string[] = [];
  const look = async (): Promise<boolean> => {
    const looked = await Promise.all(batch.map(isOpen));
    batch = [];
    return looked.includes(true);
  };
  for await (const { id, type, state } of engine.store.scanChildren([parent])) {
    if (!Object.hasOwn(ends, type) || endOf(ends, type, state) === 'complete') continue;
    batch.push(id);
    if (batch.length === atATime && (await look())) return true;
  }
  return look();
}

/** `complete`, or the state of a bad end; undefined where it is none. */
function endOf(ends: EndStates, type: string, state: string): string | undefined {
  if (ends[type]?.well.includes(state)) return 'complete';
  return ends[type]?.badly.includes(state) ? state : undefined;
}
