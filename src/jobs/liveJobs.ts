import type { LiveJob } from './liveJob.ts';

/** How many jobs a process keeps at hand; the rest are read from the store when they are asked for. */
const capacity = 10_000;

/**
 * The newest known fold of the jobs used last. It may be behind another process: a unique `_id` in
 * the log makes that harmless for writes, and reads take the newer commits into account.
 */
export class LiveJobs {
  readonly #jobs = new Map<string, LiveJob>();

  get(id: string): LiveJob | undefined {
    const job = this.#jobs.get(id);
    if (job) {
      this.#jobs.delete(id);
      this.#jobs.set(id, job);
    }
    return job;
  }

  /** Keeps the newer of what is known and what is given. */
  put(job: LiveJob): void {
    const known = this.#jobs.get(job.id);
    if (known && known.seq > job.seq) return;
    this.#jobs.delete(job.id);
    this.#jobs.set(job.id, job);
    if (this.#jobs.size <= capacity) return;
    const oldest = this.#jobs.keys().next();
    if (!oldest.done) this.#jobs.delete(oldest.value);
  }

  forget(id: string): void {
    this.#jobs.delete(id);
  }
}
