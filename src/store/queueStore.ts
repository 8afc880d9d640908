/** A job's place in the queue of workers. */
export interface QueueEntry {
  /** Its tag and the programs it needs, see laneOf: what workers choose by. */
  readonly lane: string;
  readonly priority: number;
  /** When it was created: a job keeps its place, whatever happens to it. */
  readonly since: Date;
  /** Not to be claimed before. */
  readonly readyAt: Date;
}

/** A job with a worker. */
export interface LeaseEntry {
  readonly worker: string;
  readonly epoch: number;
  readonly since: Date;
}

/** One lane of the queue: jobs that the same workers can take. */
export interface Lane {
  readonly tag: string;
  readonly needs: readonly string[];
}

/** A lane as one text, so that one index finds what a worker may take; neither part has line breaks. */
export const laneOf = ({ tag, needs }: Lane): string => [tag, ...needs].join('\n');

export function readLane(lane: string): Lane {
  const [tag = '', ...needs] = lane.split('\n');
  return { tag, needs };
}

/** Which part of the queue is read. */
export interface QueueQuery {
  readonly lanes: readonly string[];
  readonly now: Date;
  readonly limit: number;
}

/** A job that waits. */
export interface Waiting {
  readonly id: string;
  readonly priority: number;
}

/** The queue of workers and their leases, as the projection has them: as far behind as every list. */
export interface QueueStore {
  /** The lanes in which jobs stand, in any order. */
  listLanes(): Promise<string[]>;
  /** Jobs in these lanes that may be claimed now: the higher priority first, then the older, then by id. */
  readQueue(query: QueueQuery): Promise<Waiting[]>;
  /** How many jobs stand in each lane. */
  countQueue(): Promise<{ lane: string; jobs: number }[]>;
  /** Names of workers that have jobs. */
  listHolders(): Promise<string[]>;
  /** Jobs that a worker has, the longest held first. */
  readHeld(worker: string, limit: number): Promise<{ job: string; lease: LeaseEntry }[]>;
}
