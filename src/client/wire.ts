import type { AllowedEventView, Entry, JobView } from '../jobs/jobView.ts';
import type { SetupInput } from '../jobs/setupInput.ts';
import type { Actor } from '../machine/actor.ts';
import type { LinkedDocument, Pipeline } from '../store/store.ts';

export type { History } from '../jobs/readHistory.ts';
export type { ActorKind } from '../machine/actor.ts';
export type * from './recordsWire.ts';
export type { Actor, Entry, LinkedDocument, SetupInput };

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** An event that the job's state has, with the schema of its data as JSON Schema. */
export interface AllowedEvent extends Omit<AllowedEventView, 'schema'> {
  readonly schema?: JsonSchema;
}

/** A job as the service tells it. */
export interface Job extends Omit<JobView, 'allowedEvents'> {
  readonly allowedEvents: readonly AllowedEvent[];
}

/** What a set-up is given; `type` is `pipelineJob` unless told otherwise. */
export interface CreateJobInput extends SetupInput {
  readonly type?: string;
}

export interface CreatedJob {
  readonly job: Job;
  readonly token: string;
  /** Holds the token: treat it as one. */
  readonly callbackUrl: string;
  /** False where the job was there already. */
  readonly created: boolean;
}

export interface JobQuery {
  readonly q?: string | undefined;
  readonly state?: string | undefined;
  readonly type?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly tag?: string | undefined;
  /** 1 to 500. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
  readonly sort?: '-createdAt' | 'createdAt' | undefined;
}

export interface JobsPage {
  readonly jobs: readonly Job[];
  /** Give it as `cursor` for the next page; absent on the last one. */
  readonly next?: string;
}

export interface CountQuery {
  /** Only of this machine. */
  readonly type?: string | undefined;
}

/** Machine → dotted state → how many jobs are in it; what has no jobs is left out. */
export interface StateCounts {
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface HistoryQuery {
  /** Only entries after this seq. */
  readonly after?: number | undefined;
  /** 1 to 500. */
  readonly limit?: number | undefined;
}

export interface SentEvent {
  readonly name: string;
  readonly data?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface SentEvents {
  readonly job: Job;
  readonly entries: readonly Entry[];
}

/** A callback's outcome; an event that the state does not have is not applied, and that is no error. */
export type CallbackOutcome =
  | { readonly applied: true; readonly job: Job; readonly entries: readonly Entry[] }
  | { readonly applied: false; readonly code: string; readonly from: string };

export interface ResetInput {
  readonly reason: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly keepArchive?: boolean;
}

export interface TokenLimits {
  readonly events?: readonly string[];
  /** Seconds. */
  readonly ttl?: number;
  readonly once?: boolean;
  readonly reason?: string;
}

export interface IssuedToken {
  readonly token: string;
  /** UTC ISO. */
  readonly expiresAt: string;
}

export interface PipelineInput {
  readonly name?: string;
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

export interface PipelineView extends Omit<Pipeline, 'createdAt' | 'updatedAt'> {
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A machine as the service tells it. */
export interface MachineView {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly pipeline: 'required' | 'optional';
  readonly initial: string;
  readonly states: readonly {
    readonly name: string;
    readonly type: string;
    readonly events: readonly string[];
  }[];
  readonly events: readonly AllowedEvent[];
  readonly input?: JsonSchema;
  /** The diagram as Mermaid text. */
  readonly mermaid: string;
}

/** A refused administrative attempt, or a token that was issued. */
export interface AuditRecord {
  /** UTC ISO. */
  readonly at: string;
  readonly action: string;
  readonly outcome: 'refused' | 'done';
  readonly jobId: string | null;
  readonly actor: Actor | null;
  readonly tokenId: string | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly requestId: string | null;
  /** So many more were not written, to stay bounded. */
  readonly suppressed?: number;
}

export interface Readiness {
  readonly ready: boolean;
  /** `ok`, or why not: `stopping`, `unavailable`. */
  readonly status: string;
  readonly reason?: string;
}

/** Which entries a stream gives: the same filters as the list. */
export type StreamFilter = Pick<JobQuery, 'q' | 'state' | 'type' | 'pipeline' | 'tag'>;

/** An entry as it was accepted, with the job that it belongs to. */
export interface StreamEntry extends Entry {
  readonly jobId: string;
  readonly type: string;
  /** Give it as `lastEventId` to go on after this entry. */
  readonly position: string;
  readonly gap?: undefined;
}

/** Entries between the one before and the next could not be given: read what you follow anew. */
export interface StreamGap {
  readonly gap: true;
  readonly position: string;
}
