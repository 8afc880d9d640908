import type { EffectTask, JobDocument, Store } from '../store/store.ts';
import type { Telemetry } from '../telemetry/emit.ts';
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

/** Stands for a commit that is being written, or written and not projected yet. */
export interface Ticket {
  readonly at: number;
}

export interface ProjectorOptions {
  readonly store: Pick<Store, 'project'>;
  readonly telemetry: Telemetry;
  readonly now: () => number;
  /** Works out from the log what a job's projection lacks. */
  readonly derive: (id: string, since: Date) => Promise<Projection | null>;
  /** New effects are in the outbox. */
  readonly onEffects: () => void;
}

/**
 * Writes snapshots behind the log, coalesced per job, and effects into the outbox. Losing it loses
 * nothing: it tells the time before which all commits of this process are projected, and whoever
 * comes later derives the rest from the log.
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
  /** Several commits of one job may be in doubt. */
  readonly #suspects = new Map<string, readonly Ticket[]>();
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: ProjectorOptions) {
    this.#options = options;
  }

  /** A commit of this time is about to be written; end it by mark, abandon or suspect. */
  begin(at: number): Ticket {
    const ticket = { at };
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
    if (ticket) this.#marked.push(ticket);
    this.#schedule(this.#window);
  }

  /** Nobody knows whether it was: the log will tell. */
  suspect(id: string, ticket: Ticket): void {
    this.#suspects.set(id, [...(this.#suspects.get(id) ?? []), ticket]);
    this.#schedule(retryMs);
  }

  /** All commits of this process before this time are projected. */
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
    return (
      this.#jobs.size > 0 || this.#effects.length > 0 || this.#suspects.size > 0 || !!this.#flushing
    );
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
    const { store, telemetry, now } = this.#options;
    await this.#deriveSuspects();
    if (this.#jobs.size === 0 && this.#effects.length === 0) return;
    const [jobs, created] = [this.#jobs, this.#created];
    const [effects, marked] = [this.#effects, this.#marked];
    this.#jobs = new Map();
    this.#created = new Set();
    this.#effects = [];
    this.#marked = [];
    const started = performance.now();
    try {
      const living = [...jobs.values()].filter(({ removed }) => !removed);
      await store.project(living.flatMap(documentOf), effects, created);
      if (effects.length > 0) this.#options.onEffects();
      const took = (performance.now() - started) * windowMs.writes;
      this.#window = Math.min(Math.max(took, windowMs.usual), windowMs.longest);
      const lagMilliseconds = marked[0] ? now() - marked[0].at : 0;
      for (const ticket of marked) this.#open.delete(ticket);
      telemetry.emit('projection.written', { jobs: living.length, lagMilliseconds });
    } catch (error) {
      for (const job of jobs.values()) this.mark({ job, effects: [] });
      this.#effects = [...effects, ...this.#effects];
      this.#marked = [...marked, ...this.#marked];
      telemetry.emit('projection.failed', { jobs: jobs.size, error: String(error) });
      throw error;
    }
  }

  async #deriveSuspects(): Promise<void> {
    for (const [id, tickets] of [...this.#suspects]) {
      const since = Math.min(...tickets.map(({ at }) => at));
      const projection = await this.#options.derive(id, new Date(since));
      const later = this.#suspects.get(id)?.slice(tickets.length) ?? [];
      if (later.length > 0) this.#suspects.set(id, later);
      else this.#suspects.delete(id);
      if (projection) {
        this.mark(projection);
        this.#marked.push(...tickets);
      } else tickets.forEach((ticket) => this.abandon(ticket));
    }
  }
}

/** None where a process that knows the machine has to write it. */
const documentOf = (job: LiveJob): JobDocument[] => (snapshotOf(job) ? [toJobDocument(job)] : []);

/** A failed flush is told by `projection.failed` and tried again. */
const ignoreReported = (): void => undefined;
