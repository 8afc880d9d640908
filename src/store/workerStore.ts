/** `lost`: silent past its deadline. Neither it nor an inactive one ever comes back under its name. */
export type WorkerStatus = 'active' | 'inactive' | 'lost';

/** What came of a worker's claims; `rejected` results changed nothing. */
export interface WorkerCounts {
  readonly claimed: number;
  readonly completed: number;
  readonly failed: number;
  readonly released: number;
  readonly rejected: number;
}

/** A worker as it said it is, and how it does. Kept when it ends, as the history names it. */
export interface WorkerDocument {
  /** Used once for ever. */
  readonly name: string;
  /** Whose token may speak for it. */
  readonly subject: string;
  /** Lower case, in its order of preference; `*` takes every tag. */
  readonly tags: readonly string[];
  /** Program, in lower case → version. */
  readonly programs: Readonly<Record<string, string>>;
  readonly status: WorkerStatus;
  readonly activatedAt: Date;
  readonly beatAt: Date;
  /** Silent longer than this, it is lost. */
  readonly deadline: Date;
  readonly leaseSeconds: number;
  readonly endedAt?: Date;
  readonly counts: WorkerCounts;
}

/** Workers by name; `after` is the last one of the page before. */
export interface WorkerQuery {
  readonly status?: WorkerStatus | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** Workers. Not part of any job: what they do to jobs stands in the log. */
export interface WorkerStore {
  /** Whether the name was free; it is taken for good. */
  addWorker(worker: WorkerDocument): Promise<boolean>;
  getWorker(name: string): Promise<WorkerDocument | null>;
  listWorkers(query: WorkerQuery): Promise<WorkerDocument[]>;
  /** How these workers are; names of none are left out. */
  workerStatuses(names: readonly string[]): Promise<ReadonlyMap<string, WorkerStatus>>;
  /**
   * Moves an active worker's deadline, never back, and adds to its counts; the worker after it, or null where
   * none is active.
   */
  beatWorker(
    name: string,
    now: Date,
    deadline: Date,
    more?: Partial<WorkerCounts>,
  ): Promise<WorkerDocument | null>;
  /** Ends an active worker, where told so only one whose deadline is over; whether it did. */
  endWorker(
    name: string,
    status: Exclude<WorkerStatus, 'active'>,
    at: Date,
    options?: { readonly onlySilent?: boolean },
  ): Promise<boolean>;
  /** Names of active workers whose deadline is over, the longest first. */
  silentWorkers(now: Date, limit: number): Promise<string[]>;
  /** Adds to a worker's counts. */
  countWork(name: string, more: Partial<WorkerCounts>): Promise<void>;
}
