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
  readonly handlerOf: (task: EffectTask) => EffectHandler | undefined;
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

  constructor(options: EffectRunnerOptions) {
    this.#options = options;
  }

  /** Takes what is due and runs it, until nothing is. */
  async runDue(): Promise<void> {
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
        throw new EffectFailed(
          job,
          waiting.effect.type,
          'it, or one before it, is still under way',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** Asks running handlers to stop and waits for them; what is not done stays due. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #claim(limit: number, job?: string): Promise<EffectTask[]> {
    const { store, processId, now } = this.#options;
    if (this.#stop.signal.aborted) return [];
    const time = now();
    return store.claimEffects({
      owner: processId,
      now: new Date(time),
      leaseUntil: new Date(time + leaseMs),
      limit,
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
      if (!handler) throw new NoHandler(`${task.type}@${task.typeVersion} is not registered here`);
      await handler(await prepare(task, signal));
    } catch (failure) {
      const error = failure instanceof Error ? failure.message : String(failure);
      const dueAt = retryAt(task, failure, now());
      await store.failEffect(task.id, processId, error, dueAt);
      telemetry.emit(dueAt ? 'effect.failed' : 'effect.parked', { ...told, error });
      return;
    }
    await store.completeEffect(task.id, processId, new Date(now()));
    telemetry.emit('effect.done', told);
  }
}

class NoHandler extends Error {}

/** Null parks: after too many attempts, or where another attempt could not end differently. */
function retryAt({ attempts }: EffectTask, failure: unknown, now: number): Date | null {
  // Another process may know the machine.
  if (failure instanceof NoHandler) return new Date(now + firstRetryMs);
  if (attempts >= maxAttempts || failure instanceof ArchivePathRefused) return null;
  return new Date(now + Math.min(firstRetryMs * 2 ** (attempts - 1), longestRetryMs));
}
