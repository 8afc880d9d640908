/** A job among its relatives, as lists show it. */
export interface Relative {
  readonly id: string;
  readonly type: string;
  /** Its dotted state. */
  readonly state: string;
  /** Ids in its `child_of`: of jobs, and of documents. */
  readonly parents: readonly string[];
}

/** How many children of a job are in a state. */
export interface ChildCount {
  readonly type: string;
  readonly state: string;
  readonly children: number;
}

/** Parents and children: jobs that name other jobs in `child_of`. As far behind as every list. */
export interface RelationStore {
  /** Those of these jobs that live, in any order. */
  readRelatives(ids: readonly string[]): Promise<Relative[]>;
  /** All jobs with one of these in their `child_of`, each once, in any order. */
  scanChildren(parents: readonly string[]): AsyncIterable<Relative>;
  /** Children of one job, by id; `after` is the last one of the page before. */
  readChildren(
    parent: string,
    page: { readonly limit: number; readonly after?: string | undefined },
  ): Promise<Relative[]>;
  /** How many children of a job are in which state, by machine. */
  countChildren(parent: string): Promise<ChildCount[]>;
  /**
   * Whether a job has a child of one of these machines in another state than those named for it: ends at
   * the first one it finds. Children of other machines do not count.
   */
  hasChildOutside(
    parent: string,
    states: Readonly<Record<string, readonly string[]>>,
  ): Promise<boolean>;
}
