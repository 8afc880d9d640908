import { ArchivePathRefused } from '../errors.ts';
import type { EffectTask, Store } from '../store/store.ts';

/** Milliseconds. A handler that takes longer than its lease may run a second time beside itself. */
export const leaseMs = 60_000;
const firstRetryMs = 1_000;
const longestRetryMs = 300_000;
/** After so many failures an effect is parked with its reason, for a person. */
const maxAttempts = 10;

export interface LeasesOptions {
  readonly store: Pick<Store, 'claimEffects' | 'completeEffect' | 'failEffect' | 'releaseEffects'>;
  /** Owner of the leases. */
  readonly processId: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether this process can run it: an attempt without a handler would only count against it. */
  readonly accepts: (task: Pick<EffectTask, 'type' | 'typeVersion' | 'effect'>) => boolean;
}

export interface FailureFacts {
  readonly reason: string;
  /** The process is closing. */
  readonly isStopped: boolean;
}

/** What a process holds of the outbox, kept straight though answers of the store may be lost. */
export class Leases {
  readonly #options: LeasesOptions;
  /** Outcomes that could not be written down; until they are, their leases hold up everybody. */
  readonly #untold = new Set<() => Promise<void>>();
  /** The answer to a claim was lost, and with it what we have taken. */
  #mayHoldMore = false;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  /** Takes effects that are due. `isIdle` says that none of ours is running. */
  async claim(limit: number, isIdle: boolean, job?: string): Promise<EffectTask[]> {
    const { store, processId, now, accepts } = this.#options;
    if (this.#mayHoldMore && isIdle) await this.#releaseAll();
    const time = now();
    const lease = { owner: processId, now: new Date(time), leaseUntil: new Date(time + leaseMs) };
    try {
      return await store.claimEffects({
        ...lease,
        limit,
        accepts,
        ...(job !== undefined && { job }),
      });
    } catch (error) {
      this.#mayHoldMore = true;
      throw error;
    }
  }

  async complete({ id }: EffectTask): Promise<void> {
    const { store, processId, now } = this.#options;
    await this.#tell(() => store.completeEffect(id, processId, new Date(now())));
  }

  /** Gives a failed effect back for another attempt, with back-off, or parks it. Resolves to whether it is parked. */
  async fail(
    task: EffectTask,
    failure: unknown,
    { reason, isStopped }: FailureFacts,
  ): Promise<boolean> {
    const { store, processId, now } = this.#options;
    // Stopped is not failed: another process may go on at once, however often that happens.
    const dueAt = isStopped ? new Date(now()) : retryAt(task, failure, now());
    await this.#tell(() => store.failEffect(task.id, processId, reason, dueAt));
    return dueAt === null;
  }

  /** Writes down what could not be written before. */
  async tellAgain(): Promise<void> {
    for (const write of this.#untold) {
      await write();
      this.#untold.delete(write);
    }
  }

  async #releaseAll(): Promise<void> {
    // Another claim may get lost meanwhile, and must not be forgotten.
    this.#mayHoldMore = false;
    try {
      await this.#options.store.releaseEffects(this.#options.processId);
    } catch (error) {
      this.#mayHoldMore = true;
      throw error;
    }
  }

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
