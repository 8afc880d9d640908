import type { LiveJob } from './liveJob.ts';

/**
 * How many jobs a process keeps at hand, and how many characters of their data; the rest are read from
 * the store when they are asked for.
 */
const capacity = { jobs: 25_000, characters: 32 * 1024 * 1024 };

/** Half of what is at hand. */
interface Generation {
  readonly jobs: Map<string, LiveJob>;
  characters: number;
}

/**
 * The newest known fold of the jobs used lately. It may be behind another process: a unique `_id` in
 * the log makes that harmless for writes, and reads take the newer commits into account.
 *
 * Jobs live in a young and an old half; use moves one to the young half, and a full young half replaces
 * the old one: so no look-up has to keep an order.
 */
export class LiveJobs {
  #young: Generation = { jobs: new Map(), characters: 0 };
  #old: Generation = { jobs: new Map(), characters: 0 };

  /** The job as it is known; it counts as used now. */
  get(id: string): LiveJob | undefined {
    const young = this.#young.jobs.get(id);
    if (young) return young;
    const old = this.#old.jobs.get(id);
    if (old) this.#keep(old);
    return old;
  }

  /** The job as it is known, for one who only looks: it does not count as used. */
  peek(id: string): LiveJob | undefined {
    return this.#young.jobs.get(id) ?? this.#old.jobs.get(id);
  }

  /** Keeps the newer of what is known and what is given, whatever its size. */
  put(job: LiveJob): void {
    const known = this.peek(job.id);
    if (!known || known.seq <= job.seq) this.#keep(job);
  }

  forget(id: string): void {
    for (const generation of [this.#young, this.#old]) {
      generation.characters -= generation.jobs.get(id)?.data.length ?? 0;
      generation.jobs.delete(id);
    }
  }

  #keep(job: LiveJob): void {
    const { jobs } = this.#young;
    const known = jobs.get(job.id);
    const characters = job.data.length - (known?.data.length ?? 0);
    const isFull =
      (!known && jobs.size >= capacity.jobs / 2) ||
      this.#young.characters + characters > capacity.characters / 2;
    if (isFull && jobs.size > 0) {
      this.forget(job.id);
      this.#old = this.#young;
      this.#young = { jobs: new Map([[job.id, job]]), characters: job.data.length };
      return;
    }
    jobs.set(job.id, job);
    this.#young.characters += characters;
    // One that was old is there twice until the old half goes; the young one is found first.
  }
}
