import type { Commit, CountMark, EffectTask, JobDocument, Store } from '../store/store.ts';
import type { Registry } from '../machine/registry.ts';
import type { Telemetry } from '../telemetry/emit.ts';
import { countMoves, isMoving, type Move } from './countMoves.ts';
import { snapshotOf, toJobDocument, type LiveJob } from './liveJob.ts';

/**
 * How long a snapshot may lag behind its log, in milliseconds: usually the shorter; under load a
 * multiple of what the last write took, so that a job's events coalesce and the log goes first.
 */
const windowMs = { usual: 50, longest: 400, writes: 8 };
const retryMs = 200;

/** What a stretch of log comes to: the job after it, and the effects that it asks for. */
export interface Projection {
  readonly job: LiveJob;
  readonly effects: readonly EffectTask[];
}

/** A projection, and the nonces of this process's commits that it was found to lack. */
export interface Derived extends Projection {
  readonly nonces: ReadonlySet<number>;
}

/** Stands for a commit that is being written, or written and not projected and counted yet. */
export interface Ticket extends Move {
  readonly at: number;
  /** Whether it is known to be written. */
  isWritten: boolean;
}

export interface ProjectorOptions {
  readonly processId: string;
  readonly store: Pick<Store, 'project' | 'count' | 'readCountMark'>;
  readonly telemetry: Telemetry;
  readonly now: () => number;
  readonly registry: Registry;
  /** Works out from the log what a job's projection lacks. */
  readonly derive: (id: string, since: Date) => Promise<Derived | null>;
  /** New effects are in the outbox. */
  readonly onEffects: () => void;
}

/**
 * Writes snapshots behind the log, coalesced per job, effects into the outbox, and how jobs moved into
 * the counts. Losing it loses nothing: it tells the time before which all commits of this process are
 * projected and counted, and whoever comes later derives the rest from the log.
 */
export class Projector {
  readonly #options: ProjectorOptions;
  /** In the order in which they began, so the first is the oldest. */
  readonly #open = new Set<Ticket>();
  #jobs = new Map<string, LiveJob>();
  /** Those of them that most likely have no document yet. */
  #created = new Set<string>();
  #window = windowMs.usual;
  #effects: EffectTask[] = [];
  #marked: Ticket[] = [];
  #lastNonce = 0;
  /** What this process has counted; undefined where that has to be read. */
  #counted: CountMark | null | undefined = null;
  /** Several commits of one job may be in doubt. */
  readonly #suspects = new Map<string, readonly Ticket[]>();
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: ProjectorOptions) {
    this.#options = options;
  }

  /**
   * A commit of this process, in the order of their nonces, is about to be written; end it by mark,
   * abandon or suspect. No commit since this time may be forgotten.
   */
  begin(commit: Commit, at: number): Ticket {
    const { nonce, type, entries } = commit;
    // Written out, as it is done for every commit; see moveOf.
    const from = entries[0]?.from ?? null;
    const ticket = { nonce, type, from, to: entries.at(-1)?.to ?? null, at, isWritten: false };
    this.#lastNonce = nonce;
    this.#open.add(ticket);
    return ticket;
  }

  /** It was not written. */
  abandon(ticket: Ticket): void {
    this.#open.delete(ticket);
  }

  /** It was written, and this is what the log comes to now. */
  mark({ job, effects }: Projection, ticket?: Ticket): void {
    const known = this.#jobs.get(job.id);
    if (!known || known.seq < job.seq) this.#jobs.set(job.id, job);
    if (!known && job.seq === job.createdSeq) this.#created.add(job.id);
    for (const effect of effects) this.#effects.push(effect);
    if (ticket) this.#written(ticket);
    this.#schedule(this.#window);
  }

  /** Nobody knows whether it was: the log will tell. */
  suspect(id: string, ticket: Ticket): void {
    this.#suspects.set(id, [...(this.#suspects.get(id) ?? []), ticket]);
    this.#schedule(retryMs);
  }

  /** All commits of this process before this time are projected and counted. */
  projectedUntil(): Date {
    const oldest = this.#open.values().next();
    return new Date(oldest.done ? this.#options.now() : oldest.value.at);
  }

  /** Resolves once everything marked before the call is written; rejects if it could not be now. */
  async flush(): Promise<void> {
    if (this.#flushing) await this.#flushing.catch(ignoreReported);
    this.#flushing ??= this.#write().finally(() => (this.#flushing = undefined));
    await this.#flushing;
  }

  /** Flushes, trying again until it works or the time is over; what is left is repaired later. */
  async close(patienceMs = 10_000): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (this.#isDirty() && performance.now() < deadline) {
      await this.flush().catch(ignoreReported);
    }
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Whether nothing is left to write. */
  isClean(): boolean {
    return !this.#isDirty() && this.#open.size === 0;
  }

  #isDirty(): boolean {
    return this.#isPending() || this.#suspects.size > 0 || !!this.#flushing;
  }

  #isPending(): boolean {
    return this.#jobs.size > 0 || this.#effects.length > 0 || this.#marked.length > 0;
  }

  #written(ticket: Ticket): void {
    ticket.isWritten = true;
    this.#marked.push(ticket);
  }

  #schedule(delay: number): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // What could not be written now is tried again, also where no further commit comes.
      this.flush().catch(() => this.#schedule(retryMs));
    }, delay);
  }

  async #write(): Promise<void> {
    const { telemetry, now } = this.#options;
    await this.#deriveSuspects();
    if (!this.#isPending()) return;
    const [jobs, marked] = [this.#jobs, this.#marked];
    this.#marked = [];
    const started = performance.now();
    // Neither waits for the other: those who wait for both wait no longer than for one.
    const outcomes = await Promise.allSettled([this.#project(), this.#count(marked)]);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure) {
      this.#marked = [...marked, ...this.#marked];
      this.#schedule(retryMs);
      telemetry.emit('projection.failed', { jobs: jobs.size, error: String(failure.reason) });
      throw failure.reason;
    }
    const took = (performance.now() - started) * windowMs.writes;
    this.#window = Math.min(Math.max(took, windowMs.usual), windowMs.longest);
    const lagMilliseconds = marked[0] ? now() - marked[0].at : 0;
    for (const ticket of marked) this.#open.delete(ticket);
    telemetry.emit('projection.written', { jobs: living(jobs).length, lagMilliseconds });
  }

  async #project(): Promise<void> {
    const [jobs, created, effects] = [this.#jobs, this.#created, this.#effects];
    if (jobs.size === 0 && effects.length === 0) return;
    this.#jobs = new Map();
    this.#created = new Set();
    this.#effects = [];
    try {
      await this.#options.store.project(this.#documents(jobs), effects, created);
    } catch (error) {
      for (const job of jobs.values()) this.mark({ job, effects: [] });
      this.#effects = [...effects, ...this.#effects];
      throw error;
    }
    if (effects.length > 0) this.#options.onEffects();
  }

  /** None where a process that knows the machine has to write it. */
  #documents(jobs: ReadonlyMap<string, LiveJob>): JobDocument[] {
    const { registry } = this.#options;
    const known = living(jobs).filter(snapshotOf);
    return known.map((job) => toJobDocument(registry, job));
  }

  /** Counts how written commits moved their jobs. What is counted already, by whomever, is left out. */
  async #count(written: readonly Ticket[]): Promise<void> {
    const { store, processId } = this.#options;
    const moves = written.filter(isMoving);
    if (moves.length === 0) return;
    const mark = this.#counted;
    this.#counted = undefined;
    const settledUpTo = this.#settledUpTo();
    this.#counted = await countMoves(store, processId, moves, { settledUpTo, mark });
  }

  /** The nonce up to which it is known of every commit whether it is written. */
  #settledUpTo(): number {
    for (const { isWritten, nonce } of this.#open) if (!isWritten) return nonce - 1;
    return this.#lastNonce;
  }

  async #deriveSuspects(): Promise<void> {
    for (const [id, tickets] of [...this.#suspects]) {
      const since = Math.min(...tickets.map(({ at }) => at));
      const derived = await this.#options.derive(id, new Date(since));
      const later = this.#suspects.get(id)?.slice(tickets.length) ?? [];
      if (later.length > 0) this.#suspects.set(id, later);
      else this.#suspects.delete(id);
      if (derived) this.mark(derived);
      for (const ticket of tickets) {
        if (derived?.nonces.has(ticket.nonce)) this.#written(ticket);
        else this.abandon(ticket);
      }
    }
  }
}

const living = (jobs: ReadonlyMap<string, LiveJob>): LiveJob[] =>
  [...jobs.values()].filter(({ removed }) => !removed);

/** A failed flush is told by `projection.failed` and tried again. */
const ignoreReported = (): void => undefined;
