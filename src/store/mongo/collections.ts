import type { Collection, Db, MongoClientOptions } from 'mongodb';
import type {
  AuditRecord,
  Commit,
  EffectTask,
  JobDocument,
  Pipeline,
  ProcessBeat,
} from '../store.ts';

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
export interface PipelineRecord extends Omit<Pipeline, 'id'> {
  readonly _id: string;
}
export interface ArchiveRecord {
  readonly _id: string;
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
  readonly commits: Collection<CommitRecord>;
  readonly jobs: Collection<JobRecord>;
  readonly tombstones: Collection<TombstoneRecord>;
  readonly effects: Collection<EffectRecord>;
  readonly processes: Collection<ProcessRecord>;
  readonly pipelines: Collection<PipelineRecord>;
  readonly archives: Collection<ArchiveRecord>;
  readonly audit: Collection<AuditRecord>;
  linked(name: string): Collection<DocumentRecord>;
}

export const openCollections = (db: Db): Collections => ({
  commits: db.collection('commits'),
  jobs: db.collection('jobs'),
  tombstones: db.collection('tombstones'),
  effects: db.collection('effects'),
  processes: db.collection('processes'),
  pipelines: db.collection('pipelines'),
  archives: db.collection('archives'),
  audit: db.collection('audit'),
  linked: (name) => db.collection(name),
});
