/** A large output, stored beside the log, of which it is not known yet that an entry names it. */
export interface LooseOutput {
  readonly id: string;
  readonly job: string;
  readonly bytes: number;
  readonly storedAt: Date;
}

/**
 * Outputs that are too large for an entry. One is stored before the entry that names it, so none is ever
 * missing; and stays loose until somebody has seen that entry, so none stays behind that no entry names.
 */
export interface OutputStore {
  /** Stores it, journaled by a majority; resolves to its id, which nobody can guess. */
  putOutput(job: string, bytes: Uint8Array, now: Date): Promise<string>;
  /** Null where that job has none of this id. */
  readOutput(job: string, id: string): Promise<Uint8Array | null>;
  /** Drops outputs of a job, also what is left of one that was never stored to its end. */
  removeOutputs(job: string, ids: readonly string[]): Promise<void>;
  /** Those that are loose since before a time, the oldest first. */
  looseOutputs(before: Date, limit: number): Promise<LooseOutput[]>;
  /** Says of outputs that an entry names them. */
  keepOutputs(ids: readonly string[]): Promise<void>;
}
