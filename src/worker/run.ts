import type { ClaimedJob } from '../records/workerProtocol.ts';

/** What a run is given beside its job. */
export interface RunTools {
  /** Raised when the result is no longer wanted: the job was cancelled, or the worker is to stop. */
  readonly signal: AbortSignal;
  /** Tells how far the work is; the newest is sent, about once a second. */
  readonly progress: (progress: Readonly<Record<string, unknown>>) => void;
  /** Adds a line to the job's stdout, before what the run itself gives as such. */
  readonly log: (line: string) => void;
}

/** What a run gives when it went well. */
export interface Done {
  /** Any JSON. */
  readonly result?: unknown;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
}

/** Does the work of one job; throws where that fails, best a RunFailed. May run more than once for a job. */
export type Run = (job: ClaimedJob, tools: RunTools) => Promise<Done | void> | Done | void;
