import type { Commit, CommitWatch } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { JobLabels } from './jobLabels.ts';

/** A commit, or a gap before `position`. Right after `before` the log goes on with it. */
export type FeedItem =
  | { readonly before: string; readonly position: string; readonly commit: Commit }
  | { readonly before: string; readonly position: string; readonly gap: true };

/** Whom the feed tells. */
export interface FeedMember {
  receive(item: FeedItem): void;
  /** Nothing more will come, because of an error or without one. */
  end(error?: unknown): void;
}

/** What just went by is kept, so that a reader who was away for a moment need not ask the database. */
const recentLimit = { commits: 500, entries: 500, size: 8 * 1024 * 1024 };

/** About how much memory a commit takes. */
export const sizeOf = ({ entries }: Commit): number =>
  entries.reduce((sum, { data }) => sum + 500 + 2 * (data?.length ?? 0), 500);

/** The one watch of a process: open while somebody holds it. */
export class CommitFeed {
  readonly #engine: Pick<Engine, 'store' | 'live'>;
  #running: RunningFeed | undefined;

  constructor(engine: Pick<Engine, 'store' | 'live'>) {
    this.#engine = engine;
  }

  get isOpen(): boolean {
    return this.#running !== undefined;
  }

  /** Opens the watch, or shares the one that is open. Every hold is to be released, once. */
  async hold(): Promise<RunningFeed> {
    const running = (this.#running ??= new RunningFeed(this.#engine, (ended) => {
      if (this.#running === ended) this.#running = undefined;
    }));
    running.holds += 1;
    try {
      await running.opened;
      return running;
    } catch (error) {
      this.release(running);
      throw error;
    }
  }

  release(running: RunningFeed): void {
    running.holds -= 1;
    if (running.holds === 0) running.stop();
  }
}

/** A watch that is being read, and those it is read for. */
export class RunningFeed {
  /** Resolves once no later commit is missed. */
  readonly opened: Promise<void>;
  /** Of the jobs that it has told of. */
  readonly labels: JobLabels;
  holds = 0;
  readonly #onEnd: (ended: RunningFeed) => void;
  readonly #stopping = new AbortController();
  readonly #members = new Set<FeedMember>();
  #recent: FeedItem[] = [];
  #entries = 0;
  #size = 0;
  /** What `#recent` goes on from, and up to where it goes. */
  #first = '';
  #position = '';
  #outcome: { readonly error: unknown } | undefined;

  constructor(engine: Pick<Engine, 'store' | 'live'>, onEnd: (ended: RunningFeed) => void) {
    this.#onEnd = onEnd;
    this.labels = new JobLabels(engine);
    this.opened = this.#open(engine);
  }

  /** Up to where everything was told. */
  get position(): string {
    return this.#position;
  }

  stop(): void {
    this.#end(undefined);
  }

  /** Tells a member all that comes from now on. */
  join(member: FeedMember): void {
    if (this.#outcome) member.end(this.#outcome.error);
    else this.#members.add(member);
  }

  /**
   * Tells a member, who has seen everything up to a position, the rest; false where too much of that is
   * gone from memory. The member may be told again what it has seen.
   */
  joinAfter(position: string, member: FeedMember): boolean {
    if (!this.#outcome && !this.remembers(position)) return false;
    this.join(member);
    for (const item of this.#recent) member.receive(item);
    return true;
  }

  /** Whether all that came after a position is still at hand. */
  remembers(position: string): boolean {
    return this.#first <= position;
  }

  leave(member: FeedMember): void {
    this.#members.delete(member);
  }

  async #open({ store }: Pick<Engine, 'store'>): Promise<void> {
    try {
      const watch = await store.watch({ signal: this.#stopping.signal });
      this.#first = this.#position = watch.start;
      void this.#read(watch);
    } catch (error) {
      this.#end(error);
      throw error;
    }
  }

  async #read(watch: CommitWatch): Promise<void> {
    try {
      for await (const item of watch) {
        const before = this.#position;
        this.#position = item.position;
        if (!('idle' in item)) this.#tell({ before, ...item });
      }
      this.#end(undefined);
    } catch (error) {
      this.#end(error);
    }
  }

  #tell(item: FeedItem): void {
    this.#recent.push(item);
    this.#count(item, 1);
    while (
      this.#recent.length > recentLimit.commits ||
      this.#entries > recentLimit.entries ||
      this.#size > recentLimit.size
    ) {
      const dropped = this.#recent.shift();
      if (!dropped) break;
      this.#count(dropped, -1);
      this.#first = dropped.position;
    }
    // Also where no member asks: a job's next life must not be missed.
    if ('commit' in item) this.labels.peek(item.commit);
    for (const member of this.#members) member.receive(item);
  }

  #count(item: FeedItem, sign: 1 | -1): void {
    if ('gap' in item) return;
    this.#entries += sign * item.commit.entries.length;
    this.#size += sign * sizeOf(item.commit);
  }

  #end(error: unknown): void {
    if (this.#outcome) return;
    this.#outcome = { error };
    this.#recent = [];
    this.#stopping.abort();
    this.#onEnd(this);
    for (const member of this.#members) member.end(error);
  }
}
