import type { ZippedOutputs } from './outputs.ts';
import type { WorkerCounts, WorkerStatus } from '../store/workerStore.ts';

/** How a worker presents itself. */
export interface Activation {
  /** Used once for ever. Default: one that is drawn. */
  readonly name?: string | undefined;
  /** In its order of preference; `*` takes every tag. Case does not matter. Default: `*`. */
  readonly tags?: readonly string[] | undefined;
  /** Program → version. Case does not matter. Default: none, which takes jobs that need none. */
  readonly programs?: Readonly<Record<string, string>> | undefined;
  /** How long it may be silent before what it has is given to others: 2 to 3600, default 30. */
  readonly leaseSeconds?: number | undefined;
}

/** A worker as everybody may see it. */
export interface WorkerView {
  readonly name: string;
  readonly subject: string;
  readonly status: WorkerStatus;
  readonly tags: readonly string[];
  readonly programs: Readonly<Record<string, string>>;
  readonly leaseSeconds: number;
  /** UTC ISO, milliseconds. */
  readonly activatedAt: string;
  readonly beatAt: string;
  readonly deadline: string;
  readonly endedAt: string | null;
  readonly counts: WorkerCounts;
}

/** Which claim of which job. */
export interface Held {
  readonly id: string;
  readonly epoch: number;
}

export interface Heartbeat {
  /** All that it works on. A claim older than its lease that is not named here is given back. */
  readonly running?: readonly Held[] | undefined;
}

export interface HeartbeatAnswer {
  readonly worker: WorkerView;
  /** What it is to drop: cancelled, or with another worker. */
  readonly abandon: readonly (Held & { readonly state: string })[];
}

export interface ClaimRequest {
  /** 0 to 200; more are taken for 200. Default: 200. */
  readonly limit?: number | null | undefined;
  /** Some of those it declared; others are ignored. Default: all. */
  readonly tags?: readonly string[] | undefined;
  readonly programs?: readonly string[] | undefined;
}

/** A job that the worker has now, until it reports on it, gives it back or falls silent. */
export interface ClaimedJob extends Held {
  readonly type: string;
  readonly tag: string;
  readonly priority: number;
  readonly programs: readonly string[];
  /** The job's data, `input` in it. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly archivePath: string;
  /** UTC ISO. */
  readonly createdAt: string;
}

export interface Progress extends Held {
  readonly progress: Readonly<Record<string, unknown>>;
}

/** What became of a claim. Each output is given as it is, or compressed in `zipped`; it is stored compressed. */
export interface Result extends Held {
  /** `released` gives it back untouched, for another worker. */
  readonly outcome: 'complete' | 'error' | 'released';
  readonly result?: unknown;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
  readonly zipped?: ZippedOutputs | undefined;
  /** Required with `error`; its type is the class that retries go by. */
  readonly error?: { readonly type: string; readonly message: string } | undefined;
  readonly reason?: string | undefined;
}

/** What became of one report of many; a rejected one changed nothing but the worker's count. */
export type ReportOutcome =
  | {
      readonly index: number;
      readonly id: string;
      readonly outcome: 'accepted';
      /** The job's state after it. */
      readonly state: string;
    }
  | {
      readonly index: number;
      readonly id: string;
      readonly outcome: 'rejected';
      /** JOB_NOT_FOUND, LEASE_LOST, INVALID_DATA, OUTPUT_TOO_LARGE, STORE_UNAVAILABLE (send it again). */
      readonly code: string;
      readonly message: string;
      readonly state?: string;
    };

/**
 * What a worker says and is told; the same in process and over HTTP. Each call but `activate` rejects as a
 * whole with WorkerNotFound or WorkerInactive, and with Forbidden where the worker belongs to another
 * token's subject.
 */
export interface WorkerProtocol {
  activate(activation: Activation): Promise<WorkerView>;
  heartbeat(name: string, heartbeat?: Heartbeat): Promise<HeartbeatAnswer>;
  claim(name: string, request?: ClaimRequest): Promise<readonly ClaimedJob[]>;
  progress(name: string, reports: readonly Progress[]): Promise<readonly ReportOutcome[]>;
  report(name: string, results: readonly Result[]): Promise<readonly ReportOutcome[]>;
  /** What it has is waiting again at once. */
  deactivate(name: string): Promise<WorkerView>;
}
