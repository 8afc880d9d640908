import { InvalidData } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { checkWhole } from '../jobs/readHistory.ts';
import type { DatasetDocument, DatasetItem } from '../store/datasetStore.ts';
import { findDataset } from './datasetCare.ts';
import {
  filterSchema,
  pairCursor,
  parseGiven,
  readPairCursor,
  type Pair,
  type PairFilter,
} from './datasetInput.ts';
import { readJobs } from './family.ts';

/** A pair, its record, and the record's dotted state: null where it is gone. */
export interface ItemView extends DatasetItem {
  readonly state: string | null;
}

export interface ItemPage {
  /** 1 to 500. Default 50. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

/** Items, or names, read at a time. */
const atATime = 1_000;

export async function listItems(
  engine: Engine,
  name: string,
  filter: PairFilter,
  { limit = 50, cursor }: ItemPage,
): Promise<{ items: ItemView[]; next?: string }> {
  checkWhole('limit', limit, 1, engine.limits.page);
  const items: ItemView[] = [];
  for await (const item of scanItems(engine, name, filter, readPairCursor(cursor))) {
    const last = items.at(-1);
    if (last && items.length === limit) return { items, next: pairCursor(last) };
    items.push(item);
  }
  return { items };
}

/** Ids of the records of pairs, each once. */
export async function idsOf(engine: Engine, name: string, filter: PairFilter): Promise<string[]> {
  const ids = new Set<string>();
  for await (const { job } of scanItems(engine, name, filter)) ids.add(job);
  return [...ids];
}

/** Throws InvalidData for names that are not in the dataset: a misspelt one would silently mean nothing. */
export async function checkNames(
  { store }: Engine,
  dataset: DatasetDocument,
  { entries = [], specifications = [] }: Pick<PairFilter, 'entries' | 'specifications'>,
): Promise<void> {
  const missing = specifications
    .filter((name) => !Object.hasOwn(dataset.specifications, name))
    .map((name) => ({ path: 'specifications', message: `there is no specification ${name}` }));
  for (let from = 0; from < entries.length; from += atATime) {
    const names = entries.slice(from, from + atATime);
    const found = await store.listEntries(dataset.name, { limit: names.length, names });
    const known = new Set(found.map((entry) => entry.name));
    const unknown = names.filter((name) => !known.has(name));
    missing.push(
      ...unknown.map((name) => ({ path: 'entries', message: `there is no entry ${name}` })),
    );
  }
  if (missing.length > 0) throw new InvalidData(`names in dataset ${dataset.name}`, missing);
}

/** Pairs with the states of their records, which may lag as every list does. */
async function* scanItems(
  engine: Engine,
  name: string,
  given: PairFilter,
  start?: Pair,
): AsyncGenerator<ItemView> {
  const { states, ...wanted } = parseGiven(filterSchema, given, 'filter');
  await checkNames(engine, await findDataset(engine, name), wanted);
  await engine.projector.flush();
  let after = start;
  for (;;) {
    const items = await engine.store.listItems(name, { limit: atATime, after, ...wanted });
    const found = new Map<string, string>();
    const jobs = items.map(({ job }) => job);
    await readJobs(engine, new Set(jobs), ({ id, state }) => found.set(id, state));
    for (const item of items) {
      const state = found.get(item.job) ?? null;
      if (!states || (state !== null && states.includes(state))) yield { ...item, state };
    }
    after = items.at(-1);
    if (items.length < atATime) return;
  }
}
