import type { Archive } from '../archive/archive.ts';
import type { Tokens } from '../auth/tokens.ts';
import type { EffectRunner } from '../effects/runner.ts';
import type { Registry } from '../machine/registry.ts';
import type { Store } from '../store/store.ts';
import type { Telemetry } from '../telemetry/emit.ts';
import type { LiveJobs } from './liveJobs.ts';
import type { Mailboxes } from './mailbox.ts';
import type { Mail } from './request.ts';
import type { Projector } from './projector.ts';

/** Limits that a request meets before anything is written. */
export interface Limits {
  /** Events in one chain. */
  readonly chain: number;
  /** Characters of data in one chain: at the most three bytes each, in a document of at most 16 MB. */
  readonly chainBytes: number;
  /** Entries in a job's history; only admins get further. */
  readonly history: number;
  /** From here on the history is reported as long. */
  readonly historyWarning: number;
}

export const defaultLimits: Limits = {
  chain: 1_000,
  chainBytes: 4 * 1024 * 1024,
  history: 50_000,
  historyWarning: 10_000,
};

/** The parts of a running engine, wired by jobManager.ts. The library's use cases take it as their first argument. */
export interface Engine {
  readonly processId: string;
  readonly store: Store;
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly archive: Archive;
  readonly archivePrefixes: readonly string[];
  readonly telemetry: Telemetry;
  readonly limits: Limits;
  readonly publicUrl: string;
  /** Milliseconds since 1970; never goes back within a process. */
  readonly now: () => number;
  /** A running number that tells this process's commits apart. */
  readonly nextNonce: () => number;
  /** Ids of pipelines known to be registered. */
  readonly pipelines: Set<string>;
  readonly live: LiveJobs;
  readonly mailboxes: Mailboxes<Mail>;
  readonly projector: Projector;
  readonly effects: EffectRunner;
}
