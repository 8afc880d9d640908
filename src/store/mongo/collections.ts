import type { Collection, Db, MongoClientOptions } from 'mongodb';
import type { LooseOutput } from '../outputStore.ts';
import type { DatasetDocument } from '../datasetStore.ts';
import type {
  AuditRecord,
  Commit,
  EffectTask,
  JobDocument,
  Pipeline,
  ProcessBeat,
} from '../store.ts';
import type { WorkerDocument } from '../workerStore.ts';

/** Every durability and time setting of the connection, said explicitly: a default may change. */
export const clientOptions = {
  appName: 'jobwright',
  writeConcern: { w: 'majority', journal: true },
  readConcern: { level: 'majority' },
  readPreference: 'primary',
  retryWrites: true,
  retryReads: true,
  ignoreUndefined: true,
  // A paused primary must not hang callers for ever.
  socketTimeoutMS: 15_000,
  waitQueueTimeoutMS: 15_000,
  serverSelectionTimeoutMS: 10_000,
  connectTimeoutMS: 5_000,
  heartbeatFrequencyMS: 2_000,
  maxPoolSize: 32,
} as const satisfies MongoClientOptions;

export interface CommitRecord extends Omit<Commit, 'job' | 'seq'> {
  readonly _id: { readonly job: string; readonly seq: number };
  /** The idempotency keys of its entries: an index over the entries would take those without a key as equal. */
  readonly keys?: readonly string[];
}
export interface JobRecord extends Omit<JobDocument, 'id'> {
  readonly _id: string;
  /** All ids of the links, for one index instead of eight. */
  readonly linkedIds?: readonly string[];
}
export interface TombstoneRecord {
  readonly _id: string;
  readonly seq: number;
}
export interface EffectRecord extends Omit<EffectTask, 'id'> {
  readonly _id: string;
  readonly owner?: string;
  readonly leaseUntil: Date;
  readonly doneAt?: Date;
}
export interface ProcessRecord extends Omit<ProcessBeat, 'process'> {
  readonly _id: string;
}
/** Machine and state, escaped → by how many jobs the count there has changed. */
export type Sums = Readonly<Record<string, number>>;
/** What one process has counted; or, under `base`, what all those that are gone have. */
export interface CountRecord {
  readonly _id: string;
  readonly version: number;
  readonly upTo: number;
  readonly beyond: readonly number[];
  /** Whether there is anything in it to be added up. */
  readonly isOpen?: true;
  readonly counts?: Sums;
  readonly goneAt?: Date;
  /** The version at which its counts were taken into the base last, and out of here. */
  readonly cleared?: number;
  /** Of the base: what was taken in last, until it is out of the process's own document. */
  readonly taken?: { readonly process: string; readonly version: number; readonly counts: Sums };
  /** Of the base: marks of processes that are older than it. */
  readonly older?: readonly { readonly process: string; readonly upTo: number }[];
}
export interface PipelineRecord extends Omit<Pipeline, 'id'> {
  readonly _id: string;
}
export interface ArchiveRecord {
  readonly _id: string;
  readonly job: string;
}
export interface WorkerRecord extends Omit<WorkerDocument, 'name' | 'programs'> {
  readonly _id: string;
  /** Pairs of program and version. */
  readonly programs: readonly (readonly [string, string])[];
}
export interface DatasetRecord extends Omit<DatasetDocument, 'name' | 'specifications'> {
  readonly _id: string;
  /** Their data as JSON. */
  readonly specifications: readonly { readonly name: string; readonly data: string }[];
}
export interface DatasetEntryRecord {
  readonly _id: { readonly dataset: string; readonly name: string };
  /** JSON. */
  readonly data: string;
}
export interface DatasetItemRecord {
  readonly _id: {
    readonly dataset: string;
    readonly specification: string;
    readonly entry: string;
  };
  readonly job: string;
}
export interface DocumentRecord {
  readonly _id: string;
  readonly name?: string;
  /** Paths under which `data.inputs` may name the document. */
  readonly _paths?: readonly string[];
  readonly [field: string]: unknown;
}

export interface Collections {
  readonly db: Db;
  readonly commits: Collection<CommitRecord>;
  readonly jobs: Collection<JobRecord>;
  readonly tombstones: Collection<TombstoneRecord>;
  readonly effects: Collection<EffectRecord>;
  readonly processes: Collection<ProcessRecord>;
  readonly counts: Collection<CountRecord>;
  readonly pipelines: Collection<PipelineRecord>;
  readonly archives: Collection<ArchiveRecord>;
  readonly audit: Collection<AuditRecord>;
  /** Large outputs of which it is not known yet that an entry names them; the outputs are in GridFS. */
  readonly looseOutputs: Collection<Omit<LooseOutput, 'id'> & { readonly _id: string }>;
  readonly workers: Collection<WorkerRecord>;
  readonly datasets: Collection<DatasetRecord>;
  readonly datasetEntries: Collection<DatasetEntryRecord>;
  readonly datasetItems: Collection<DatasetItemRecord>;
  linked(name: string): Collection<DocumentRecord>;
}

export const openCollections = (db: Db): Collections => ({
  db,
  commits: db.collection('commits'),
  jobs: db.collection('jobs'),
  tombstones: db.collection('tombstones'),
  effects: db.collection('effects'),
  processes: db.collection('processes'),
  counts: db.collection('counts'),
  pipelines: db.collection('pipelines'),
  archives: db.collection('archives'),
  audit: db.collection('audit'),
  looseOutputs: db.collection('looseOutputs'),
  // Of a worker the newest word counts, before a majority has it.
  workers: db.collection('workers', { readConcern: { level: 'local' } }),
  datasets: db.collection('datasets'),
  datasetEntries: db.collection('datasetEntries'),
  datasetItems: db.collection('datasetItems'),
  linked: (name) => db.collection(name),
});
