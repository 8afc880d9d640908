import type { Archive } from '../archive/archive.ts';
import type { Tokens } from '../auth/tokens.ts';
import type { ActiveRuns } from '../bulk/activeRuns.ts';
import type { EffectRunner } from '../effects/runner.ts';
import type { JsonLimits } from '../machine/canonicalJson.ts';
import type { Limits } from '../limits.ts';
import type { Registry } from '../machine/registry.ts';
import type { ClaimBoard } from '../records/claimBoard.ts';
import type { Store } from '../store/store.ts';
import type { Telemetry } from '../telemetry/emit.ts';
import type { EntryFeed } from './entryFeed.ts';
import type { LiveJobs } from './liveJobs.ts';
import type { Mailboxes } from './mailbox.ts';
import type { Mail } from './request.ts';
import type { Projector } from './projector.ts';

/** The parts of a running engine, wired by jobManager.ts. The library's use cases take it as their first argument. */
export interface Engine {
  readonly processId: string;
  readonly store: Store;
  readonly registry: Registry;
  readonly tokens: Tokens;
  readonly archive: Archive;
  readonly archivePrefixes: readonly string[];
  /** Whether a set-up makes the job's archive directory. */
  readonly makeDirectories: boolean;
  readonly telemetry: Telemetry;
  readonly limits: Limits;
  /** Those of them that data meets. */
  readonly jsonLimits: JsonLimits;
  readonly publicUrl: string;
  /** Milliseconds since 1970; never goes back within a process. */
  readonly now: () => number;
  /** A running number that tells this process's commits apart. */
  readonly nextNonce: () => number;
  /** Ids of pipelines known to be registered. */
  readonly pipelines: Set<string>;
  readonly live: LiveJobs;
  /** Where claims of workers in this process meet. */
  readonly claims: ClaimBoard;
  readonly mailboxes: Mailboxes<Mail>;
  readonly projector: Projector;
  readonly effects: EffectRunner;
  /** Those who follow entries as they are accepted. */
  readonly feed: EntryFeed;
  /** Bulk runs that this process works on. */
  readonly bulkRuns: ActiveRuns;
}
