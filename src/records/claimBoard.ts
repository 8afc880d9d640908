import type { LiveJob } from '../jobs/liveJob.ts';
import type { LiveJobs } from '../jobs/liveJobs.ts';
import type { Work } from '../machine/define.ts';
import { laneOf, type Waiting } from '../store/queueStore.ts';
import type { JobDocument, Store } from '../store/store.ts';

/** Milliseconds for which, while many claim, what was read of the queue is good enough. */
const freshMs = 250;
/** Milliseconds for which, after a race was lost to another process, other places are preferred. */
const evadeMs = 1_000;
/** Milliseconds for which the queue may still show a job as it was before it was claimed here. */
const lagMs = 1_000;
/** The same while many claim, when what is behind costs more. */
const busyLagMs = 5_000;
/** How many are read ahead while many claim: more while they are used up in time. */
const readAhead = { least: 100, most: 2_000 };
/** How many are read at once at the most. */
const mostRead = 8_000;
/** How many are looked for together at the most: claims beyond that wait for the next reading. */
const mostAtOnce = 4_000;
/** How many queues are remembered. */
const maxQueues = 100;

/** The queue of some lanes, as far as it was read. */
interface Queue {
  readonly lanes: ReadonlySet<string>;
  readonly asking: Ask[];
  isServing: boolean;
  /** In order; to be used up before more is read, as long as it is fresh. */
  ahead: string[];
  readAt: number;
  readAhead: number;
  /** Job → up to which seq it is known to be of no use, since when: it is claimed, or cannot be. */
  passed: Map<string, Passed>;
}

interface Passed {
  readonly seq: number;
  readonly at: number;
}

interface Ask {
  readonly wanted: number;
  resolve(jobs: LiveJob[]): void;
  reject(error: unknown): void;
}

export interface ClaimBoardOptions {
  readonly store: Pick<Store, 'listLanes' | 'readQueue' | 'readProjected'>;
  readonly live: Pick<LiveJobs, 'peek'>;
  readonly now: () => number;
  /** Puts a job at hand as its document tells. */
  readonly takeToHand: (document: JobDocument) => LiveJob | undefined;
  /** Where a job stands between workers. */
  readonly workOf: (job: LiveJob) => Work;
}

/**
 * Where the claims of one process meet, so that they do not fight for the same jobs: claims that come
 * together read the queue together, and a job is given to one of them at a time. A claim that is alone sees
 * the queue as it is in the store, in its strict order. Who gets a job the log decides, not this board.
 */
export class ClaimBoard {
  readonly #options: ClaimBoardOptions;
  readonly #queues = new Map<string, Queue>();
  /** Jobs that a claim is under way on. */
  readonly #given = new Set<string>();
  #underWay = 0;
  #lanes: { readonly readAt: number; readonly lanes: Promise<readonly string[]> } | undefined;
  #evading = { until: 0, from: 0 };

  constructor(options: ClaimBoardOptions) {
    this.#options = options;
  }

  /** Counts as a claim under way until it is settled. */
  async during<T>(claim: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await claim();
    } finally {
      this.#underWay -= 1;
    }
  }

  /** The lanes in which jobs stand, as they are `now`; or, while many claim, as another one saw them lately. */
  async lanes(asOf: 'now' | 'lately' = 'lately'): Promise<readonly string[]> {
    const at = performance.now();
    const isShared = asOf === 'lately' && this.#isBusy();
    if (!this.#lanes || !isShared || at - this.#lanes.readAt > freshMs) {
      this.#lanes = { readAt: at, lanes: this.#options.store.listLanes() };
    }
    try {
      return await this.#lanes.lanes;
    } catch (error) {
      this.#lanes = undefined;
      throw error;
    }
  }

  /**
   * The next jobs of these lanes for one claim, in order; fewer than wanted where there are no more. They
   * are nobody else's until they are settled.
   */
  take(lanes: readonly string[], wanted: number): Promise<LiveJob[]> {
    const queue = this.#queueOf(lanes);
    return new Promise((resolve, reject) => {
      queue.asking.push({ wanted, resolve, reject });
      if (!queue.isServing) void this.#serve(queue);
    });
  }

  /** The claim on this job is over: `used` where it is, as it was, of no use to a further one. */
  settle(lanes: readonly string[], { id, seq }: LiveJob, used: boolean): void {
    this.#given.delete(id);
    if (used) this.#pass(this.#queueOf(lanes), id, seq);
  }

  /**
   * Another process was faster with so many of these: other places of the same priority are preferred for a
   * moment; and others again where it was there too.
   */
  evade(lost: number, tried: number): void {
    const isElsewhere = this.#isEvading() && lost * 2 < tried;
    const from = isElsewhere ? this.#evading.from : Math.random();
    this.#evading = { until: performance.now() + evadeMs, from };
    if (isElsewhere) return;
    for (const queue of this.#queues.values()) queue.ahead = [];
  }

  #isBusy(): boolean {
    return this.#underWay > 1;
  }

  #isEvading(): boolean {
    return performance.now() < this.#evading.until;
  }

  #queueOf(lanes: readonly string[]): Queue {
    const key = [...lanes].sort().join('\n\n');
    const known = this.#queues.get(key);
    if (known) return known;
    const queue: Queue = {
      lanes: new Set(lanes),
      asking: [],
      isServing: false,
      ahead: [],
      readAt: 0,
      readAhead: readAhead.least,
      passed: new Map(),
    };
    if (this.#queues.size >= maxQueues) this.#queues.clear();
    this.#queues.set(key, queue);
    return queue;
  }

  /** Serves all that ask at a time from one reading. */
  async #serve(queue: Queue): Promise<void> {
    queue.isServing = true;
    while (queue.asking.length > 0) {
      const asking = queue.asking.splice(0, 1);
      let total = asking[0]?.wanted ?? 0;
      while (total + (queue.asking[0]?.wanted ?? Infinity) <= mostAtOnce) {
        asking.push(...queue.asking.splice(0, 1));
        total += asking.at(-1)?.wanted ?? 0;
      }
      try {
        const found = await this.#gather(queue, total);
        for (const ask of asking) ask.resolve(found.splice(0, ask.wanted));
      } catch (error) {
        for (const ask of asking) ask.reject(error);
      }
    }
    queue.isServing = false;
  }

  async #gather(queue: Queue, total: number): Promise<LiveJob[]> {
    const found: LiveJob[] = [];
    const tried = new Set<string>();
    let ids = this.#leftOver(queue);
    let isLast = false;
    try {
      for (let limit = this.#limit(queue, total); ; limit *= 4) {
        while (found.length < total && ids.length > 0) {
          const next = ids.splice(0, total - found.length);
          for (const id of next) tried.add(id);
          found.push(...(await this.#candidates(queue, next)));
        }
        if (found.length >= total || isLast) break;
        const read = await this.#read(queue, Math.min(limit, mostRead));
        isLast = read.isAll || limit >= mostRead;
        ids = read.ids.filter((id) => !tried.has(id));
      }
    } catch (error) {
      // What was found is given already, and has to be taken by somebody.
      if (found.length === 0) throw error;
    }
    queue.ahead = this.#isBusy() ? ids : [];
    return found;
  }

  /** What was read before, while it is good enough. */
  #leftOver(queue: Queue): string[] {
    const { ahead, passed, readAt } = queue;
    if (!this.#isBusy() || ahead.length === 0) return [];
    if (performance.now() - readAt <= freshMs) return ahead.filter((id) => !passed.has(id));
    queue.readAhead = Math.max(Math.floor(queue.readAhead / 2), readAhead.least);
    return [];
  }

  #limit({ passed, readAhead: more }: Queue, total: number): number {
    // Others have passed as many as this process, and it needs room beside them.
    if (this.#isEvading()) return Math.max(total * 8, more) + passed.size * 4;
    return total + passed.size + (this.#isBusy() ? more : 0);
  }

  /** Reads the queue, and forgets of what was passed that which is no longer in it. */
  async #read(queue: Queue, limit: number): Promise<{ ids: string[]; isAll: boolean }> {
    const { store, now } = this.#options;
    const readAt = performance.now();
    const lanes = [...queue.lanes];
    if (readAt - queue.readAt <= freshMs) {
      queue.readAhead = Math.min(queue.readAhead * 2, readAhead.most);
    }
    const waiting = await store.readQueue({ lanes, now: new Date(now()), limit });
    queue.readAt = readAt;
    const isAll = waiting.length < limit;
    const inOrder = this.#isEvading() ? this.#fromElsewhere(waiting) : waiting;
    const ids = inOrder.map(({ id }) => id);
    const passed = new Map<string, Passed>();
    for (const id of ids) {
      const known = queue.passed.get(id);
      if (known) passed.set(id, known);
    }
    queue.passed = passed;
    const isLate = (id: string): boolean => {
      const known = passed.get(id);
      if (known === undefined) return false;
      // One that came back here, to be tried again say, keeps its place in the order.
      const job = this.#options.live.peek(id);
      if (job && this.#isFree(queue, job)) return false;
      return readAt - known.at < (this.#isBusy() ? busyLagMs : lagMs);
    };
    // What was passed may wait again by now; it is looked at where there is nothing else.
    const rest = ids.filter((id) => !isLate(id));
    return { ids: isAll ? [...rest, ...ids.filter(isLate)] : rest, isAll };
  }

  /** Within a priority not from the oldest on, but round from a place that is this process's own. */
  #fromElsewhere(waiting: readonly Waiting[]): Waiting[] {
    const { from } = this.#evading;
    return waiting
      .map((each) => ({ ...each, turn: (placeOf(each.id) - from + 1) % 1 }))
      .sort((one, other) => other.priority - one.priority || one.turn - other.turn);
  }

  /** Those of these jobs that can be claimed as far as is known here, and that no other claim has. */
  async #candidates(queue: Queue, ids: readonly string[]): Promise<LiveJob[]> {
    const free: LiveJob[] = [];
    const unknown: string[] = [];
    for (const id of ids) {
      if (this.#given.has(id)) continue;
      const job = this.#options.live.peek(id);
      if (job && this.#isFree(queue, job)) free.push(job);
      else unknown.push(id);
    }
    if (unknown.length > 0) {
      const projected = await this.#options.store.readProjected(unknown);
      for (const { document } of projected.values()) {
        const job = document && this.#options.takeToHand(document);
        if (!job || this.#given.has(job.id)) continue;
        if (this.#isFree(queue, job)) free.push(job);
        else this.#pass(queue, job.id, job.seq);
      }
    }
    // None before the reading: it may fail, and others may have taken some meanwhile.
    const found = new Map<string, LiveJob>();
    for (const job of free) if (!this.#given.has(job.id)) found.set(job.id, this.#give(job));
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  #isFree({ lanes, passed }: Queue, job: LiveJob): boolean {
    if (job.seq <= (passed.get(job.id)?.seq ?? 0)) return false;
    const { queue } = this.#options.workOf(job);
    if (!queue || !lanes.has(laneOf(queue))) return false;
    return queue.readyAt === null || new Date(queue.readyAt).getTime() <= this.#options.now();
  }

  #give(job: LiveJob): LiveJob {
    this.#given.add(job.id);
    return job;
  }

  #pass({ passed }: Queue, id: string, seq: number): void {
    passed.set(id, { seq: Math.max(seq, passed.get(id)?.seq ?? 0), at: performance.now() });
  }
}

/** A place from 0 to 1 that an id has in every process. */
function placeOf(id: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < id.length; index += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 16_777_619);
  }
  return (hash >>> 0) / 2 ** 32;
}
