import type { DatasetDocument, DatasetEntry, DatasetItem, DatasetStore } from '../datasetStore.ts';

type Pair = Pick<DatasetItem, 'entry' | 'specification'>;
/** The store's methods, without their promises. */
type Given<Name extends keyof DatasetStore> = Parameters<DatasetStore[Name]>;

/** Datasets, their entries, and which pair is which record. */
export function createDatasets(stateOf: (job: string) => string | undefined) {
  const datasets = new Map<string, DatasetDocument>();
  const entries = new Map<string, Map<string, DatasetEntry>>();
  const items = new Map<string, Map<string, DatasetItem>>();
  const itemsOf = (dataset: string): DatasetItem[] =>
    [...(items.get(dataset)?.values() ?? [])].sort(byPair);

  return {
    add: (dataset: DatasetDocument): boolean => addNew(datasets, dataset.name, dataset),

    get: (name: string): DatasetDocument | null => datasets.get(name) ?? null,

    list: ({ limit, after = '' }: Given<'listDatasets'>[0]): DatasetDocument[] =>
      [...datasets.values()]
        .filter(({ name }) => name > after)
        .sort(byName)
        .slice(0, limit),

    addSpecifications: (...[name, given, now]: Given<'addSpecifications'>): string[] => {
      const dataset = datasets.get(name);
      if (!dataset) return [];
      const known = new Map(Object.entries(dataset.specifications));
      const added = Object.entries(given).filter(([each, data]) => addNew(known, each, data));
      if (added.length === 0) return [];
      datasets.set(name, {
        ...dataset,
        specifications: Object.fromEntries(known),
        updatedAt: now,
      });
      return added.map(([each]) => each);
    },

    addEntries: (...[dataset, given]: Given<'addEntries'>): string[] => {
      const known = entries.get(dataset) ?? new Map<string, DatasetEntry>();
      entries.set(dataset, known);
      return given.filter((entry) => addNew(known, entry.name, entry)).map(({ name }) => name);
    },

    listEntries: (...[dataset, page]: Given<'listEntries'>): DatasetEntry[] => {
      const { limit, after = '', names } = page;
      return [...(entries.get(dataset)?.values() ?? [])]
        .filter(({ name }) => name > after && (names?.includes(name) ?? true))
        .sort(byName)
        .slice(0, limit);
    },

    countEntries: (dataset: string): number => entries.get(dataset)?.size ?? 0,

    addItems: (...[dataset, given]: Given<'addItems'>): number => {
      const known = items.get(dataset) ?? new Map<string, DatasetItem>();
      items.set(dataset, known);
      return given.filter((item) => addNew(known, keyOf(item), item)).length;
    },

    listItems: (...[dataset, query]: Given<'listItems'>): DatasetItem[] =>
      itemsOf(dataset)
        .filter(
          (item) =>
            (query.after === undefined || byPair(query.after, item) < 0) &&
            (query.entries?.includes(item.entry) ?? true) &&
            (query.specifications?.includes(item.specification) ?? true),
        )
        .slice(0, query.limit),

    countItems: (dataset: string): Record<string, Record<string, number>> => {
      const counts = new Map<string, Record<string, number>>();
      for (const { specification, job } of itemsOf(dataset)) {
        const states = counts.get(specification) ?? {};
        const state = stateOf(job) ?? '';
        counts.set(specification, { ...states, [state]: (states[state] ?? 0) + 1 });
      }
      return Object.fromEntries(counts);
    },

    including: (jobs: readonly string[]): ReadonlySet<string> => {
      const tied = new Set([...items.keys()].flatMap(itemsOf).map(({ job }) => job));
      return new Set(jobs.filter((job) => tied.has(job)));
    },

    removeItems: (...[dataset, given]: Given<'removeItems'>): number =>
      given.filter((pair) => items.get(dataset)?.delete(keyOf(pair))).length,

    remove: (dataset: string): boolean => {
      items.delete(dataset);
      entries.delete(dataset);
      return datasets.delete(dataset);
    },
  };
}

/** Adds what is not there yet; whether it was not. */
function addNew<Value>(known: Map<string, Value>, key: string, value: Value): boolean {
  if (known.has(key)) return false;
  known.set(key, value);
  return true;
}

const keyOf = ({ specification, entry }: Pair): string => JSON.stringify([specification, entry]);

const inOrder = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const byName = (one: { name: string }, other: { name: string }): number =>
  inOrder(one.name, other.name);

const byPair = (one: Pair, other: Pair): number =>
  inOrder(one.specification, other.specification) || inOrder(one.entry, other.entry);
