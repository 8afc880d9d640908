import type { LiveJob } from './liveJob.ts';

/**
 * How many jobs a process keeps at hand, and how many characters of their data; the rest are read from
 * the store when they are asked for.
 */
const capacity = { jobs: 10_000, characters: 32 * 1024 * 1024 };

/**
 * The newest known fold of the jobs used last. It may be behind another process: a unique `_id` in
 * the log makes that harmless for writes, and reads take the newer commits into account.
 */
export class LiveJobs {
  readonly #jobs = new Map<string, LiveJob>();
  #characters = 0;

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
    this.forget(job.id);
    this.#jobs.set(job.id, job);
    this.#characters += job.data.length;
    // The newest is kept whatever its size.
    while (this.#jobs.size > 1 && this.#isTooMuch()) {
      const oldest = this.#jobs.keys().next();
      if (!oldest.done) this.forget(oldest.value);
    }
  }

  forget(id: string): void {
    this.#characters -= this.#jobs.get(id)?.data.length ?? 0;
    this.#jobs.delete(id);
  }

  #isTooMuch(): boolean {
    return this.#jobs.size > capacity.jobs || this.#characters > capacity.characters;
  }
}
