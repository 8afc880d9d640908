import { EffectFailed } from '../errors.ts';
import type { EffectHandler, EffectRun } from '../machine/effect.ts';
import type { EffectTask, Store } from '../store/store.ts';
import type { Telemetry } from '../telemetry/emit.ts';
import { traced } from '../telemetry/tracing.ts';
import { leaseMs, Leases } from './leases.ts';

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

/** How many run at once, and how often a waiting caller looks, in milliseconds. */
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
  readonly #leases: Leases;

  constructor(options: EffectRunnerOptions) {
    this.#options = options;
    const accepts = (task: Parameters<typeof options.handlerOf>[0]) => !!options.handlerOf(task);
    this.#leases = new Leases({ ...options, accepts });
  }

  /** Takes what is due and runs it, until nothing is. */
  async runDue(): Promise<void> {
    await this.#leases.tellAgain();
    for (;;) {
      const tasks = await this.#claim(atOnce);
      // Of each job only the first was taken: the next may be due now.
      if (tasks.length === 0) break;
      await Promise.all(tasks.map((task) => this.#run(task)));
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
    if (this.#stop.signal.aborted) return [];
    return this.#leases.claim(limit, this.#running.size === 0, job);
  }

  /** Runs one claimed effect; resolves once its outcome is written down. */
  async #run(task: EffectTask): Promise<void> {
    const work = this.#attempt(task);
    this.#running.add(work);
    return work.finally(() => this.#running.delete(work));
  }

  async #attempt(task: EffectTask): Promise<void> {
    const { telemetry, handlerOf, prepare } = this.#options;
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
      await traced(
        'effect.run',
        { 'jobwright.job': task.job, 'jobwright.effect': told.effect },
        async () => handler(await prepare(task, signal)),
      );
    } catch (failure) {
      const error = failure instanceof Error ? failure.message : String(failure);
      const isParked = await this.#leases.fail(task, failure, {
        reason: error,
        isStopped: this.#stop.signal.aborted,
      });
      telemetry.emit(isParked ? 'effect.parked' : 'effect.failed', { ...told, error });
      return;
    }
    await this.#leases.complete(task);
    telemetry.emit('effect.done', told);
  }
}
