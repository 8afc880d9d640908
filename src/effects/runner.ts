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

  /** Takes what is due and runs it; resolves when it is through, to how many there were. */
  async runDue(): Promise<number> {
    const tasks = await this.#claim(atOnce);
    await Promise.all(tasks.map((task) => this.#run(task)));
    return tasks.length;
  }

  /** Runs a job's effects now, or waits while another process does. Rejects with EffectFailed at the first failure. */
  async runFor(job: string, patienceMs = 30_000): Promise<void> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      const [task] = await this.#claim(1, job);
      const failure = task && (await this.#run(task));
      if (task && failure !== undefined) throw failed(task, failure);
      if (task) continue;
      const waiting = (await this.#options.store.pendingEffects(job)).find(
        ({ status }) => status === 'due',
      );
      if (!waiting) return;
      if (waiting.error !== undefined) throw failed(waiting, waiting.error);
      if (performance.now() > deadline) throw failed(waiting, 'another process is still at it');
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

  /** Runs one claimed effect; resolves to its failure, if any, once that is written down. */
  async #run(task: EffectTask): Promise<unknown> {
    const work = this.#attempt(task);
    this.#running.add(work);
    return work.finally(() => this.#running.delete(work));
  }

  async #attempt(task: EffectTask): Promise<unknown> {
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
      if (!handler) throw new Error('no handler is registered under this name');
      await handler(await prepare(task, signal));
    } catch (failure) {
      const error = failure instanceof Error ? failure.message : String(failure);
      const dueAt = retryAt(task, failure, now());
      await store.failEffect(task.id, processId, error, dueAt);
      telemetry.emit(dueAt ? 'effect.failed' : 'effect.parked', { ...told, error });
      return failure;
    }
    await store.completeEffect(task.id, processId, new Date(now()));
    telemetry.emit('effect.done', told);
    return undefined;
  }
}

/** Null parks: after too many attempts, or where another attempt could not end differently. */
function retryAt({ attempts }: EffectTask, failure: unknown, now: number): Date | null {
  if (attempts >= maxAttempts || failure instanceof ArchivePathRefused) return null;
  return new Date(now + Math.min(firstRetryMs * 2 ** (attempts - 1), longestRetryMs));
}

function failed({ job, effect }: EffectTask, failure: unknown): EffectFailed {
  const reason = failure instanceof Error ? failure.message : String(failure);
  return new EffectFailed(job, effect.type, reason, { cause: failure });
}
