import type { Actor } from './actor.ts';

/** A named side effect of an accepted event: data until its entry is committed. */
export interface Effect {
  readonly type: string;
  /** JSON-safe; null without parameters. */
  readonly params: Readonly<Record<string, unknown>> | null;
}

/** What a handler is given. It may run more than once for one key, so it must be idempotent. */
export interface EffectRun {
  readonly jobId: string;
  readonly machine: string;
  /** The entry that asked for it. */
  readonly seq: number;
  readonly event: string;
  readonly actor: Actor;
  readonly params: Readonly<Record<string, unknown>> | null;
  /** `<job>:<seq>:<index>`, the same at every attempt. */
  readonly key: string;
  /** From 1. */
  readonly attempt: number;
  /** The job's virtual archive path, and the directory that stands for it. */
  readonly archivePath: string;
  readonly archiveDirectory: string;
  /** Raised when the runner stops or the lease is about to end. */
  readonly signal: AbortSignal;
  /** Whether the job has taken in another event of its machine since. */
  isSuperseded(): Promise<boolean>;
  /**
   * Sends an event to the same job as the actor of the entry, once however often the handler runs.
   * Resolves to false where the job is gone or no longer takes it.
   */
  send(event: string, data?: Record<string, unknown>): Promise<boolean>;
}

/** Resolves when done; a rejection is retried with back-off, then parked with its message. */
export type EffectHandler = (run: EffectRun) => Promise<void> | void;
