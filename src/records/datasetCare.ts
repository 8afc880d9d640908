import { DatasetNotFound, InvalidData } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { checkWhole } from '../jobs/readHistory.ts';
import type { DatasetDocument, DatasetEntry } from '../store/datasetStore.ts';
import {
  datasetSchema,
  entriesSchema,
  parseGiven,
  specificationsSchema,
  takeData,
  type DatasetInput,
  type EntryInput,
} from './datasetInput.ts';

/** A dataset as lists show it. */
export interface DatasetSummary {
  readonly name: string;
  readonly description: string;
  /** Machine of its jobs. */
  readonly type: string;
  readonly tag: string | null;
  readonly priority: number | null;
  /** UTC ISO, milliseconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
}
export interface DatasetView extends DatasetSummary {
  readonly specifications: DatasetDocument['specifications'];
  /** How many there are. */
  readonly entries: number;
}

/** Names that are new, and names that were there and stay as they are. */
export interface Added {
  readonly added: readonly string[];
  readonly existing: readonly string[];
}

export interface DatasetPage {
  /** 1 to 500. Default 50. */
  readonly limit?: number | undefined;
  /** `next` of the page before: the last name on it. */
  readonly cursor?: string | undefined;
}

/** Entries stored at a time. */
const atATime = 1_000;
/** Specifications of one dataset: all of them are read whenever it is. */
const maxSpecifications = 1_000;

export async function createDataset(
  engine: Engine,
  input: DatasetInput,
): Promise<DatasetView & { readonly created: boolean }> {
  const { specifications, tag, priority, ...given } = parseGiven(datasetSchema, input, 'dataset');
  engine.registry.get(given.type);
  const now = new Date(engine.now());
  const created = await engine.store.addDataset({
    ...given,
    ...(tag !== undefined && { tag }),
    ...(priority !== undefined && { priority }),
    specifications: takeSpecifications(engine, specifications, 0),
    createdAt: now,
    updatedAt: now,
  });
  return { ...(await readDataset(engine, given.name)), created };
}

export async function readDataset(engine: Engine, name: string): Promise<DatasetView> {
  const dataset = await findDataset(engine, name);
  const entries = await engine.store.countEntries(name);
  return { ...summaryOf(dataset), specifications: dataset.specifications, entries };
}

export async function listDatasets(
  { store, limits }: Engine,
  { limit = 50, cursor }: DatasetPage,
): Promise<{ datasets: DatasetSummary[]; next?: string }> {
  checkWhole('limit', limit, 1, limits.page);
  const found = await store.listDatasets({ limit: limit + 1, after: cursor });
  const page = found.slice(0, limit).map(summaryOf);
  const last = page.at(-1);
  return { datasets: page, ...(last && found.length > limit && { next: last.name }) };
}

export async function removeDataset({ store }: Engine, name: string): Promise<void> {
  if (!(await store.removeDataset(checkedName(name)))) throw new DatasetNotFound(name);
}

export async function addSpecifications(
  engine: Engine,
  name: string,
  given: NonNullable<DatasetInput['specifications']>,
): Promise<Added> {
  const parsed = parseGiven(specificationsSchema, given, 'specifications');
  const { specifications: known } = await findDataset(engine, name);
  const taken = takeSpecifications(engine, parsed, Object.keys(known).length);
  const now = new Date(engine.now());
  return sort(Object.keys(taken), await engine.store.addSpecifications(name, taken, now));
}

export async function addEntries(
  engine: Engine,
  name: string,
  given: readonly EntryInput[],
): Promise<Added> {
  const entries = parseGiven(entriesSchema, given, 'entries').map((entry, place): DatasetEntry => ({
    name: entry.name,
    data: takeData(engine, entry.data ?? {}, `entries.${place}.data`),
  }));
  await findDataset(engine, name);
  const added: string[] = [];
  for (let from = 0; from < entries.length; from += atATime) {
    added.push(...(await engine.store.addEntries(name, entries.slice(from, from + atATime))));
  }
  return sort(
    entries.map((entry) => entry.name),
    added,
  );
}

/** Throws DatasetNotFound. */
export async function findDataset({ store }: Engine, name: string): Promise<DatasetDocument> {
  const dataset = await store.getDataset(checkedName(name));
  if (!dataset) throw new DatasetNotFound(name);
  return dataset;
}

function checkedName(name: unknown): string {
  if (typeof name !== 'string') throw new DatasetNotFound(name);
  return name;
}

/** Each name once, in the order given: as new where the store says so. */
function sort(names: readonly string[], added: readonly string[]): Added {
  const fresh = new Set(added);
  const again = new Set<string>();
  const existing = names.filter((name) => {
    const isFirst = fresh.has(name) && !again.has(name);
    again.add(name);
    return !isFirst;
  });
  return { added, existing: [...new Set(existing)] };
}

function takeSpecifications(
  engine: Engine,
  given: DatasetDocument['specifications'],
  known: number,
): DatasetDocument['specifications'] {
  const taken = Object.entries(given).map(
    ([name, data]) => [name, takeData(engine, data, `specifications.${name}`)] as const,
  );
  if (known + taken.length > maxSpecifications) {
    const message = `at most ${maxSpecifications} in one dataset`;
    throw new InvalidData('specifications', [{ path: 'specifications', message }]);
  }
  return Object.fromEntries(taken);
}

const summaryOf = (dataset: DatasetDocument): DatasetSummary => ({
  name: dataset.name,
  description: dataset.description,
  type: dataset.type,
  tag: dataset.tag ?? null,
  priority: dataset.priority ?? null,
  createdAt: dataset.createdAt.toISOString(),
  updatedAt: dataset.updatedAt.toISOString(),
});
