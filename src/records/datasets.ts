import type { BulkRequest } from '../bulk/bulkRequest.ts';
import { planBulk, type BulkPlan } from '../bulk/planBulk.ts';
import { runBulk, type BulkAnswer, type RunOptions } from '../bulk/runBulk.ts';
import { authorise, type Principal } from '../auth/authorise.ts';
import type { Engine } from '../jobs/engine.ts';
import {
  addEntries,
  addSpecifications,
  createDataset,
  listDatasets,
  readDataset,
  removeDataset,
  type Added,
  type DatasetPage,
  type DatasetSummary,
  type DatasetView,
} from './datasetCare.ts';
import type { DatasetInput, EntryInput, PairFilter, SubmitOptions } from './datasetInput.ts';
import { idsOf, listItems, type ItemPage, type ItemView } from './datasetItems.ts';
import { readStatus, type DatasetStatus } from './datasetStatus.ts';
import { submitDataset, type Submitted } from './submitDataset.ts';

/** An operation on the records of pairs: what `bulk` takes, with a filter in the place of ids. */
export type DatasetBulkRequest = Omit<BulkRequest, 'ids' | 'q'> & PairFilter;

/** Tables of entries × specifications, whose cells are records. */
export interface Datasets {
  /** Creates a dataset; one that has the name already stays as it is, and is told as not created. */
  create(input: DatasetInput): Promise<DatasetView & { readonly created: boolean }>;
  get(name: string): Promise<DatasetView>;
  /** By name. */
  list(page?: DatasetPage): Promise<{ datasets: DatasetSummary[]; next?: string }>;
  /** Drops the table; its records stay. */
  remove(name: string): Promise<void>;
  /** Those whose names are taken stay as they are; nothing is compared. */
  addSpecifications(
    name: string,
    specifications: NonNullable<DatasetInput['specifications']>,
  ): Promise<Added>;
  /** The same, thousands at a time. */
  addEntries(name: string, entries: readonly EntryInput[]): Promise<Added>;
  /**
   * Sets up a record for each pair that has none yet: its data is the specification's with the entry's
   * merged in, deep. Repeated after a failure it goes on where it was. A name that is not in the dataset is
   * InvalidData, and nothing is done.
   */
  submit(name: string, options?: SubmitOptions): Promise<Submitted>;
  /** How many records are in which state, by specification. */
  status(name: string): Promise<DatasetStatus>;
  /** Pairs and their records, by specification, then entry. */
  items(
    name: string,
    filter?: PairFilter,
    page?: ItemPage,
  ): Promise<{ items: ItemView[]; next?: string }>;
  /** Ids of the records of pairs, each once. */
  ids(name: string, filter?: PairFilter): Promise<string[]>;
  /** What an operation on the records of pairs would do; see `bulk.plan`. */
  plan(name: string, request: DatasetBulkRequest): Promise<BulkPlan>;
  /** One operation on the records of pairs; see `bulk.run`. */
  bulk(name: string, request: DatasetBulkRequest, options?: RunOptions): Promise<BulkAnswer>;
}

/** Datasets as one actor has them. */
export function createDatasets(engine: Engine, principal: Principal): Datasets {
  const writing = (): void => authorise(principal, 'dataset.write');
  const targetsOf = async (
    name: string,
    { entries, specifications, states, ...request }: DatasetBulkRequest,
  ): Promise<BulkRequest> => ({
    ...request,
    ids: await idsOf(engine, name, { entries, specifications, states }),
  });
  return {
    async create(input) {
      writing();
      return createDataset(engine, input);
    },
    get: (name) => readDataset(engine, name),
    list: (page = {}) => listDatasets(engine, page),
    async remove(name) {
      writing();
      await removeDataset(engine, name);
    },
    async addSpecifications(name, specifications) {
      writing();
      return addSpecifications(engine, name, specifications);
    },
    async addEntries(name, entries) {
      writing();
      return addEntries(engine, name, entries);
    },
    async submit(name, options = {}) {
      writing();
      return submitDataset(engine, principal, name, options);
    },
    status: (name) => readStatus(engine, name),
    items: (name, filter = {}, page = {}) => listItems(engine, name, filter, page),
    ids: (name, filter = {}) => idsOf(engine, name, filter),
    plan: async (name, request) => planBulk(engine, principal, await targetsOf(name, request)),
    bulk: async (name, request, options = {}) =>
      runBulk(engine, principal, await targetsOf(name, request), options),
  };
}
