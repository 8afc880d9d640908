/** A table of entries × specifications; each pair that was submitted is a record. */
export interface DatasetDocument {
  readonly name: string;
  readonly description: string;
  /** Machine of its jobs. */
  readonly type: string;
  /** What its records are set up with unless told otherwise. */
  readonly tag?: string;
  readonly priority?: number;
  /** Specification → the part of a record's data that it gives. */
  readonly specifications: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
export interface DatasetEntry {
  readonly name: string;
  /** The part of a record's data that the entry gives. */
  readonly data: Readonly<Record<string, unknown>>;
}
/** Which record a pair is. */
export interface DatasetItem {
  readonly entry: string;
  readonly specification: string;
  readonly job: string;
}

/** Datasets. What their records do stands in the log; here stands only which pair is which record. */
export interface DatasetStore {
  /** Whether the name was free. */
  addDataset(dataset: DatasetDocument): Promise<boolean>;
  getDataset(name: string): Promise<DatasetDocument | null>;
  listDatasets(page: { limit: number; after?: string | undefined }): Promise<DatasetDocument[]>;
  /** Adds specifications; those whose names are taken stay as they are. The names that are new. */
  addSpecifications(
    dataset: string,
    specifications: DatasetDocument['specifications'],
    now: Date,
  ): Promise<string[]>;
  /** Adds entries; those whose names are taken stay as they are. The names that are new. */
  addEntries(dataset: string, entries: readonly DatasetEntry[]): Promise<string[]>;
  /** By name. */
  listEntries(
    dataset: string,
    page: { limit: number; after?: string | undefined; names?: readonly string[] | undefined },
  ): Promise<DatasetEntry[]>;
  countEntries(dataset: string): Promise<number>;
  /** Ties pairs to records; pairs that are tied already stay as they are. How many are new. */
  addItems(dataset: string, items: readonly DatasetItem[]): Promise<number>;
  /** By specification, then entry. */
  listItems(
    dataset: string,
    query: {
      limit: number;
      after?: Pick<DatasetItem, 'entry' | 'specification'> | undefined;
      entries?: readonly string[] | undefined;
      specifications?: readonly string[] | undefined;
    },
  ): Promise<DatasetItem[]>;
  /** Specification → dotted state → number of records; a record that is gone counts under `''`. */
  countItems(dataset: string): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>>;
  /** Which of these jobs are in a dataset. */
  inDatasets(jobs: readonly string[]): Promise<ReadonlySet<string>>;
  /** Unties pairs; the records stay. How many were tied. */
  removeItems(
    dataset: string,
    items: readonly Pick<DatasetItem, 'entry' | 'specification'>[],
  ): Promise<number>;
  /** Drops a dataset with its entries and items; the records stay. Whether it was there. */
  removeDataset(dataset: string): Promise<boolean>;
}
