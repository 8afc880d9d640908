import { ArchivePathRefused, EffectFailed } from '../errors.ts';
import type { EffectHandler, EffectRun } from '../machine/effect.ts';
import type { EffectTask, Store } from '../store/store.ts';
import type { Telemetry } from '../telemetry/emit.ts';

export interface EffectRunnerOptions {
  readonly store: Store;
  readonly telemetry: Telemetry;
  /** Owner of the leases. */
  readonly processId: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** The handler of an effect, of the machine's own or of the engine's. */
  readonly handlerOf: (
    task: Pick<EffectTask, 'type' | 'typeVersion' | 'effect'>,
  ) => EffectHandler | undefined;
  /** What the handler is given. */
  readonly prepare: (task: EffectTask, signal: AbortSignal) => Promise<EffectRun>;
}

/** Milliseconds. A handler that takes longer than its lease may run a second time beside itself. */
const leaseMs = 60_000;
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;
/** After so many failures an effect is parked with its reason, for a person. */
const maxAttempts = 10;
const atOnce = 8;
const pollMs = 20;

/**
 * Runs effects after their commit: at least once, in order per job, under a lease that another process
 * takes over when it ends. A failure is retried with back-off, then parked with its reason.
 */
export class EffectRunner {
  readonly #options: EffectRunnerOptions;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  /** Outcomes that could not be written down; until they are, their leases hold up everybody. */
  readonly #untold = new Set<() => Promise<void>>();

  constructor(options: EffectRunnerOptions) {
    this.#options = options;
  }

  /** Takes what is due and runs it, until nothing is. */
  async runDue(): Promise<void> {
    for (const write of this.#untold) {
      await write();
      this.#untold.delete(write);
    }
    for (;;) {
      const tasks = await this.#claim(atOnce);
      await Promise.all(tasks.map((task) => this.#run(task)));
      if (tasks.length < atOnce) break;
    }
    // Also what was taken by an earlier call.
    await Promise.all(this.#running);
  }

  /**
   * Runs a job's effects now, or waits while another process does, until none is due. Rejects with
   * EffectFailed as soon as one of entry `from` or later has failed; it is retried all the same.
   */
  async runFor(job: string, from: number, patienceMs = 30_000): Promise<void> {
    const { store, now } = this.#options;
    const deadline = performance.now() + patienceMs;
    // What waits for another attempt holds up what comes after it.
    for (const { id, seq, status, error } of await store.pendingEffects(job)) {
      const isInTheWay = status === 'due' || seq >= from;
      if (error !== undefined && isInTheWay) await store.reviveEffect(id, new Date(now()));
    }
    for (;;) {
      const [task] = await this.#claim(1, job);
      if (task) await this.#run(task);
      const pending = await store.pendingEffects(job);
      const failed = pending.find(({ seq, error }) => seq >= from && error !== undefined);
      if (failed) throw new EffectFailed(job, failed.effect.type, failed.error ?? '');
      const [waiting] = pending.filter(({ status }) => status === 'due');
      if (!waiting) return;
      if (task) continue;
      if (performance.now() > deadline) {
        throw new EffectFailed(job, waiting.effect.type, this.#whyWaiting(waiting));
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** Asks running handlers to stop and waits for them; what is not done stays due. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  #whyWaiting(task: EffectTask): string {
    return this.#options.handlerOf(task)
      ? 'it, or one before it, is still under way'
      : `${task.type}@${task.typeVersion} is not registered here, and no process that knows it has run it`;
  }

  async #claim(limit: number, job?: string): Promise<EffectTask[]> {
    const { store, processId, now, handlerOf } = this.#options;
    if (this.#stop.signal.aborted) return [];
    const time = now();
    return store.claimEffects({
      owner: processId,
      now: new Date(time),
      leaseUntil: new Date(time + leaseMs),
      limit,
      // Another process may know the machine; an attempt here would only count against the effect.
      accepts: (task) => handlerOf(task) !== undefined,
      ...(job !== undefined && { job }),
    });
  }

  /** Runs one claimed effect; resolves once its outcome is written down. */
  async #run(task: EffectTask): Promise<void> {
    const work = this.#attempt(task);
    this.#running.add(work);
    return work.finally(() => this.#running.delete(work));
  }

  async #attempt(task: EffectTask): Promise<void> {
    const { store, telemetry, processId, now, handlerOf, prepare } = this.#options;
    const told = {
      jobId: task.job,
      effect: task.effect.type,
      seq: task.seq,
      attempts: task.attempts,
    };
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(leaseMs - 5_000)]);
    try {
      const handler = handlerOf(task);
      if (!handler) throw new Error(`${task.type}@${task.typeVersion} is not registered here`);
      await handler(await prepare(task, signal));
    } catch (failure) {
      const error = failure instanceof Error ? failure.message : String(failure);
      const dueAt = retryAt(task, failure, now());
      await this.#tell(() => store.failEffect(task.id, processId, error, dueAt));
      telemetry.emit(dueAt ? 'effect.failed' : 'effect.parked', { ...told, error });
      return;
    }
    await this.#tell(() => store.completeEffect(task.id, processId, new Date(now())));
    telemetry.emit('effect.done', told);
  }

  /** Writes an outcome down, or keeps it for the next run and rejects. */
  async #tell(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#untold.add(write);
      throw error;
    }
  }
}

/** Null parks: after too many attempts, or where another attempt could not end differently. */
function retryAt({ attempts }: EffectTask, failure: unknown, now: number): Date | null {
  if (attempts >= maxAttempts || failure instanceof ArchivePathRefused) return null;
  return new Date(now + Math.min(firstRetryMs * 2 ** (attempts - 1), longestRetryMs));
}
