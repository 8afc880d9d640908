import type { Actor } from '../machine/actor.ts';
import type { Effect } from '../machine/effect.ts';
import type { PersistedSnapshot } from '../machine/snapshot.ts';
import type { Timer } from '../machine/step.ts';
import type { DatasetStore } from './datasetStore.ts';
import type { OutputStore } from './outputStore.ts';
import type { LeaseEntry, QueueEntry, QueueStore } from './queueStore.ts';
import type { RelationStore } from './relationStore.ts';
import type { WorkerStore } from './workerStore.ts';

/** The eight fields by which a document or a job refers to jobs and documents. */
export const linkFields = [
  'child_of',
  'generated_by',
  'derived_from',
  'derived_using',
  'acted_on',
  'acted_using',
  'connects_from',
  'connects_to',
] as const;
export type LinkField = (typeof linkFields)[number];
/** Ids a job refers to, by field; an absent field is an empty one. */
export type Links = { readonly [F in LinkField]?: readonly string[] };

/** What a set-up fixes for good; it stands in the commit that creates the job. */
export interface JobSetup {
  readonly pipeline: string | null;
  readonly links: Links;
  readonly session: string | null;
  readonly agent: string | null;
  readonly task: string | null;
  readonly archivePath: string;
  readonly tags: readonly string[];
  /** Tells it apart from others alike; only where it was set up as a new one whatever is there. */
  readonly instance?: string;
}

/**
 * What kind of entry this is, where it is not an event of the machine:
 * `create` starts the job, `timer` is a delayed transition that came due, `revoke` ends all job
 * tokens, `unlink` drops a deleted job from the links, `remove` ends the job (cancel or delete).
 */
export type EntryOperation = 'create' | 'timer' | 'revoke' | 'unlink' | 'remove';

/** One accepted event as it is stored. Its seq is the commit's seq plus its place in the commit. */
export interface StoredEntry {
  readonly name: string;
  readonly operation?: EntryOperation;
  /** Canonical JSON, or null where there is none or where a deletion has removed it. */
  readonly data: string | null;
  /** SHA-256 of the data in hex; kept only where a deletion has removed the data. */
  readonly dataDigest?: string;
  /** Dotted state before; null for `create`. */
  readonly from: string | null;
  /** Dotted state after; null for `remove`. */
  readonly to: string | null;
  readonly actor: Actor;
  /** Id (jti) of the token by which an admin did this. */
  readonly tokenId?: string;
  /** Idempotency key of the request that this entry is the first of. */
  readonly key?: string;
  /** How many entries that request made. Only beside `key`. */
  readonly keyCount?: number;
  readonly effects?: readonly Effect[];
  /** SHA-256 in hex over the entry before and this one, see hashChain.ts. */
  readonly hash: string;
}

/** One insert: one or several entries of one job, accepted together. Never changed but by redaction. */
export interface Commit {
  readonly job: string;
  /** Seq of the first entry. */
  readonly seq: number;
  readonly type: string;
  readonly typeVersion: string;
  /** When its entries were accepted; never before the commit in front of it. */
  readonly at: Date;
  /** Id of the process that wrote it, and its running number there: tells our own write from a rival's. */
  readonly process: string;
  readonly nonce: number;
  readonly entries: readonly StoredEntry[];
  /** Only in a commit whose first entry is `create`. */
  readonly setup?: JobSetup;
  /** Only in a commit that ends a job: in how many documents and jobs there were links to it. */
  readonly linksRemoved?: number;
}

/** Seq of a commit's last entry. */
export const lastSeq = (commit: Commit): number => commit.seq + commit.entries.length - 1;

/** A commit that ends the job's life; it stays for good as the tombstone. */
export const isTombstone = (commit: Commit): boolean =>
  commit.entries.at(-1)?.operation === 'remove';

/** The projection of one live job: what the log comes to at `seq`. Derived, so it can be made again. */
export interface JobDocument {
  readonly id: string;
  readonly type: string;
  readonly typeVersion: string;
  readonly seq: number;
  /** Seq of the `create` entry of this life. */
  readonly createdSeq: number;
  readonly state: string;
  readonly states: readonly string[];
  readonly snapshot: PersistedSnapshot;
  readonly data: Readonly<Record<string, unknown>>;
  readonly setup: JobSetup;
  /** The set-up's links less those removed since. */
  readonly links: Links;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly lastEvent: string;
  /** Job tokens of an older generation are dead. */
  readonly generation: number;
  readonly headHash: string;
  readonly timers: readonly Timer[];
  /** When the earliest timer is due; absent without timers. */
  readonly wakeAt?: Date;
  /** When its newest entry was accepted, where that is later than `updatedAt`: a comment. */
  readonly lastAt?: Date;
  /** Its place in the queue of workers; absent where none may claim it. */
  readonly queue?: QueueEntry;
  /** The worker that has it; absent where none has. */
  readonly lease?: LeaseEntry;
}

/** How far a job's consequences are written; `document` is there while it lives. */
export interface Projected {
  readonly seq: number;
  readonly document?: JobDocument;
}

export type AppendOutcome = 'appended' | 'conflict' | 'repeated';

/** `due` waits for its time or a runner, `done` is kept a while, `parked` needs a person. */
export type EffectStatus = 'due' | 'done' | 'parked';

/** One effect of one entry on its way: at least once, in order per job. */
export interface EffectTask {
  /** `<job>:<seq>:<index>`, the idempotency key of the handler. */
  readonly id: string;
  readonly job: string;
  readonly seq: number;
  readonly index: number;
  readonly type: string;
  readonly typeVersion: string;
  readonly effect: Effect;
  readonly status: EffectStatus;
  /** Not before this time. */
  readonly dueAt: Date;
  readonly attempts: number;
  readonly error?: string;
}

export interface Pipeline {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A document of a linked collection: an id, maybe a name, any fields, and link fields. */
export interface LinkedDocument {
  readonly id: string;
  readonly name?: string;
  readonly [field: string]: unknown;
}

/** Where a text was found as an id, a name, a URI or a path. */
export interface DocumentMatch {
  readonly collection: string;
  readonly id: string;
  readonly text: string;
}

export interface JobFilter {
  readonly type?: string | undefined;
  /** Any active state of the job. */
  readonly state?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly tag?: string | undefined;
  /** The job's id, pipeline, session, agent, task or one of its tags, in full. */
  readonly q?: string | undefined;
}

/** By creation, the newest first unless told otherwise; `after` is the last job of the page before. */
export interface Page {
  readonly limit: number;
  readonly oldestFirst?: boolean;
  readonly after?: { readonly createdAt: Date; readonly id: string };
}

export interface EffectClaim {
  readonly owner: string;
  readonly now: Date;
  readonly leaseUntil: Date;
  readonly limit: number;
  /** Only this job's. */
  readonly job?: string;
  /** Only what the claimer can run; a job whose turn it is with another one is left to others. */
  readonly accepts?: (task: Pick<EffectTask, 'type' | 'typeVersion' | 'effect'>) => boolean;
}

export interface ProcessBeat {
  readonly process: string;
  /** All commits of that process older than this are projected (its own clock). */
  readonly projectedUntil: Date;
  /** When it last said so, by the store's clock. */
  readonly beatAt: Date;
}

/** How many jobs of a machine are in a dotted state; or by how many that changes. */
export interface StateCount {
  readonly type: string;
  readonly state: string;
  readonly jobs: number;
}

/**
 * Which of a process's commits are in the counts, by their nonces: all up to `upTo`, and those `beyond`
 * it. The version rises by one with every change.
 */
export interface CountMark {
  readonly version: number;
  readonly upTo: number;
  readonly beyond: readonly number[];
}

export interface WatchOptions {
  /** Position of an item seen before, also by another process: go on right after it. Absent: from now on. */
  readonly after?: string;
  /** Ends the watch, without an error. */
  readonly signal: AbortSignal;
}

/**
 * What a watch tells: a commit; `gap`, that commits before this position could not be given; or `idle`,
 * that up to this position there is nothing more. Positions of one store are opaque, url-safe and sort as
 * texts in the order of what they stand for.
 */
export type WatchedItem =
  | { readonly position: string; readonly commit: Commit }
  | { readonly position: string; readonly gap: true }
  | { readonly position: string; readonly idle: true };

/** Items for one reader, fetched as it asks for them. */
export interface CommitWatch extends AsyncIterable<WatchedItem> {
  /** Where it began. */
  readonly start: string;
}

/** An administrative attempt: who tried what, and what became of it. */
export interface AuditRecord {
  readonly at: Date;
  readonly action: string;
  readonly outcome: 'refused' | 'done';
  readonly jobId: string | null;
  readonly actor: Actor | null;
  readonly tokenId: string | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly requestId: string | null;
  /** How many more like it were left out. */
  readonly suppressed?: number;
}

/**
 * What the engine asks of a database. Both implementations pass test/store/conformance.
 * A method that cannot reach the database rejects with StoreUnavailable.
 */
export interface Store extends QueueStore, WorkerStore, RelationStore, OutputStore, DatasetStore {
  // The log: the truth.

  /**
   * Inserts one commit, journaled by a majority before it resolves. Conflict: that seq of that job is
   * taken by another commit. Repeated: the job has an entry with one of these keys. An answer that was
   * lost is looked up by process and nonce, never guessed.
   */
  append: (commit: Commit) => Promise<AppendOutcome>;
  /** A job's commits in order, from the one that holds entry `from`; at most `limit` commits. */
  readCommits(job: string, from: number, limit?: number): Promise<Commit[]>;
  /** A job's commits after the one that ends with entry `seq`, in order; at most `limit`. */
  readNewer(job: string, seq: number, limit: number): Promise<Commit[]>;
  /** A job's newest commit; a tombstone if it was deleted, null if there never was one. */
  readHead(job: string): Promise<Commit | null>;
  /** The commit with an entry under this key, if any. */
  findKey(job: string, key: string): Promise<Commit | null>;
  /** Every commit, by job, then seq: of one job or of all. */
  scanCommits(range?: { job?: string }): AsyncIterable<Commit>;
  /** Commits that a process made at or after a time, for repair. */
  scanCommitsOf(process: string, since: Date): AsyncIterable<Commit>;
  /**
   * All commits of all processes as a majority has them, each job's in order of seq. Once it resolves, no
   * later commit is missed. It outlives an outage of the database and ends with the store. A place that the
   * database no longer has gives a gap, and goes on from now; a malformed `after` is InvalidData.
   */
  watch(options: WatchOptions): Promise<CommitWatch>;

  // The projection: derived.

  readJob(job: string): Promise<JobDocument | null>;
  /** Up to which entry all consequences are written: that of the document or of a finished removal; 0 without. */
  projectedSeq(job: string): Promise<number>;
  /** The same of many jobs in one go, and their documents; those of which nothing is written are left out. */
  readProjected(jobs: readonly string[]): Promise<ReadonlyMap<string, Projected>>;
  /**
   * Puts new effects into the outbox (known ones stay as they are), then moves documents forward only.
   * Jobs in `created` most likely have no document yet; that only makes it faster.
   */
  project(
    jobs: readonly JobDocument[],
    effects: readonly EffectTask[],
    created?: ReadonlySet<string>,
  ): Promise<void>;
  listJobs(filter: JobFilter, page: Page): Promise<JobDocument[]>;
  countJobs(filter: JobFilter): Promise<number>;
  scanJobs(range?: { job?: string }): AsyncIterable<JobDocument>;
  /** Ids of jobs whose `wakeAt` is not after `now`, earliest first. */
  dueTimers(now: Date, limit: number): Promise<string[]>;

  // Counts of jobs by machine and state: derived from the log, each commit once. A store without any
  // counts yet makes them from its log before it is open.

  /**
   * Changes the counts, and puts the process's mark in the place of the one a version before: both or
   * neither. Resolves to whether that one was still there; none is there before version 1.
   */
  count(process: string, mark: CountMark, changes: readonly StateCount[]): Promise<boolean>;
  readCountMark(process: string): Promise<CountMark | null>;
  /** What was counted, all at one moment; a state that has no job may be missing. */
  readCounts(): Promise<StateCount[]>;
  /** The same with the marks that it stands on; that of a process forgotten long ago may be missing. */
  readCountedLog(): Promise<{
    readonly counts: readonly StateCount[];
    readonly marks: ReadonlyMap<string, CountMark>;
  }>;

  // Removal, after the tombstone is committed. Each step may be repeated.

  /** In how many documents and jobs a job's id stands in a link field. */
  countLinks(job: string): Promise<number>;
  /** Says in the tombstone at `seq` how many links there were; a lower number changes nothing. */
  noteLinks(job: string, seq: number, links: number): Promise<void>;
  /** Pulls a job's id from every link field of every linked collection; how many documents had it. */
  unlinkDocuments(job: string): Promise<number>;
  /** Ids of jobs that have this id in a link field. */
  jobsLinkingTo(id: string, limit: number): Promise<string[]>;
  /** Takes the data out of all of a job's entries below `seq` but earlier tombstones, leaving its digest, and frees their keys. */
  redact(job: string, seq: number): Promise<void>;
  /** Drops the projection of a life that ended at `seq`, and keeps late ones from bringing it back. */
  finishRemoval(job: string, seq: number): Promise<void>;

  // The outbox.

  /** Takes due effects under a lease, per job only the earliest one that is due; a parked one holds up nothing. */
  claimEffects(claim: EffectClaim): Promise<EffectTask[]>;
  /** All effects of a job that are not done, in order. */
  pendingEffects(job: string): Promise<EffectTask[]>;
  completeEffect(id: string, owner: string, now: Date): Promise<void>;
  /** Gives a failed effect back for `dueAt`, or parks it where `dueAt` is null. */
  failEffect(id: string, owner: string, error: string, dueAt: Date | null): Promise<void>;
  /** Makes a parked or waiting effect due now, with its attempts counted anew; whether there was one. */
  reviveEffect(id: string, now: Date): Promise<boolean>;
  /** Ends the leases of a process that is gone. */
  releaseEffects(owner: string): Promise<void>;
  /** Drops what is not done of a job's effects up to `seq`: somebody has taken the matter over. */
  dropEffects(job: string, seq: number, now: Date): Promise<void>;
  scanEffects(filter: { status?: EffectStatus; job?: string }): AsyncIterable<EffectTask>;
  /** How many effects are due, those under a lease too, and how many are parked: one cheap question. */
  countEffects(): Promise<{ due: number; parked: number }>;

  // Processes and repair.

  /** Says that a process lives and how far its projection is. */
  beat(process: string, projectedUntil: Date): Promise<void>;
  readBeats(): Promise<{ now: Date; beats: ProcessBeat[] }>;
  /** Once all it left is seen to. What it has counted stays, and its mark for a month. */
  forgetProcess(process: string): Promise<void>;

  // Pipelines, linked documents, archive paths.

  putPipeline(
    pipeline: Pick<Pipeline, 'id' | 'name' | 'description' | 'metadata'>,
    now: Date,
  ): Promise<Pipeline>;
  getPipeline(id: string): Promise<Pipeline | null>;
  listPipelines(): Promise<Pipeline[]>;
  /** The collections that may hold links to jobs. */
  readonly linkedCollections: readonly string[];
  putDocument(collection: string, document: LinkedDocument): Promise<LinkedDocument>;
  getDocument(collection: string, id: string): Promise<LinkedDocument | null>;
  /** Documents of these collections whose id or name is one of the texts. */
  findDocuments(collections: readonly string[], texts: readonly string[]): Promise<DocumentMatch[]>;
  /** Documents of a collection whose URI, path, id or name is one of the texts; see documentTexts.ts. */
  findFiles(collection: string, texts: readonly string[]): Promise<DocumentMatch[]>;
  /** Takes an explicit archive path for a job; or the id of the job whose path equals, holds or lies in it. */
  claimArchive(path: string, job: string): Promise<string | null>;
  /** The job that has claimed this very path. */
  archiveOwner(path: string): Promise<string | null>;
  releaseArchive(path: string, job: string): Promise<void>;

  // Administrative attempts, kept beside the log and only so many of them.

  putAudit(record: AuditRecord): Promise<void>;
  /** Newest first. */
  listAudit(limit: number): Promise<AuditRecord[]>;

  /** Resolves once nothing is in flight and the connection is closed. */
  close(): Promise<void>;
}
