import type { Engine } from '../jobs/engine.ts';
import type { Relative } from '../store/relationStore.ts';

/** Jobs by id, in the order in which they were found. */
export type Family = Map<string, Relative>;

/** How many jobs are asked about at a time. */
const atATime = 1_000;

/** Those of these jobs that live. */
export async function readJobs(
  { store }: Pick<Engine, 'store'>,
  ids: Iterable<string>,
  each: (job: Relative) => void,
): Promise<void> {
  for (const batch of inBatches([...ids])) (await store.readRelatives(batch)).forEach(each);
}

/** All jobs that have one of these for a parent. */
export async function readChildren(
  { store }: Pick<Engine, 'store'>,
  parents: readonly string[],
  each: (child: Relative) => void,
): Promise<void> {
  for (const batch of inBatches(parents)) {
    for await (const child of store.scanChildren(batch)) each(child);
  }
}

function* inBatches(ids: readonly string[]): Iterable<readonly string[]> {
  for (let at = 0; at < ids.length; at += atATime) yield ids.slice(at, at + atATime);
}
