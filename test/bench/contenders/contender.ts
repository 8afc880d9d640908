import type { JobManager } from '../../../src/jobs/jobManager.ts';

export type ServerName = 'mongod' | 'postgres' | 'redisDurable' | 'redisVolatile';

/** A server that the contenders use. */
export interface Server {
  readonly url: string;
  /** Absent where it tells its processor time itself. */
  readonly pid?: number;
  readonly version: string;
  /** What an acknowledgement means there. */
  readonly durability: string;
}

/** One sample: what the parent tells the process that takes it. */
export interface Trial {
  readonly contender: string;
  readonly callers: number;
  readonly jobs: number;
  readonly server: Server;
}

export interface TrialResult {
  /** In the contender's unit, a second. */
  readonly value: number;
  /** Milliseconds of each acknowledged call. */
  readonly latencies: readonly number[];
  /** Milliseconds from the begin of a job's creation to its end. */
  readonly endToEnd: readonly number[];
  /** Microseconds of processor time a unit. */
  readonly clientCpu: number;
  readonly serverCpu: number;
  /** What `verify` says, where the engine was at work. */
  readonly verified?: Awaited<ReturnType<JobManager['verify']>>;
}

/** Something that is measured beside others. */
export interface Contender {
  /** Names it among the contenders. */
  readonly id: string;
  /** What the row says it is. */
  readonly row: string;
  /** What is counted, and how it is set up. */
  readonly setting: string;
  readonly unit: 'life cycles/s' | 'entries/s';
  readonly server: ServerName;
  /** Packages of the peers that it needs; the first names its version. */
  readonly packages: readonly string[];
  /** Jobs of a sample for 10,000 asked for, so that one takes five to ten seconds at the most. */
  readonly jobsOf10k: number;
  readonly callers: readonly number[];
  /** Warms up, measures, and removes what it made. */
  run(trial: Trial): Promise<TrialResult>;
}
