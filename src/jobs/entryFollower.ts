import { StreamOverflow } from '../errors.ts';
import type { Commit, CommitWatch, StoredEntry } from '../store/store.ts';
import { sizeOf, type FeedItem, type FeedMember, type RunningFeed } from './commitFeed.ts';
import type { JobLabels, Labels } from './jobLabels.ts';
import { viewEntry, type Entry } from './jobView.ts';
import { placeEntries } from './request.ts';

/** Which entries are wanted; all that is named has to fit. */
export interface EntryFilter {
  readonly type?: string | undefined;
  /** A state that is active after the entry. */
  readonly state?: string | undefined;
  readonly pipeline?: string | undefined;
  readonly tag?: string | undefined;
  /** The job's id, pipeline, session, agent, task or one of its tags, in full. */
  readonly q?: string | undefined;
  /** A job's id. */
  readonly job?: string | undefined;
}

/** An entry as it was accepted; or a gap: entries before this position could not be given. */
export type FollowedEntry =
  | { readonly position: string; readonly entry: Entry & { jobId: string; type: string } }
  | { readonly position: string; readonly gap: true };

export interface FollowerOptions {
  readonly filter: EntryFilter;
  readonly labels: JobLabels;
  /** Everything up to here is known already. */
  readonly after: string;
  /** So many entries of the commit that comes first are known, too. */
  readonly skip: number;
  readonly onEnd: () => void;
}

interface Waiting {
  readonly item: FeedItem;
  readonly skip: number;
  readonly count: number;
}

/** What may wait for a reader who does not read. */
const limit = { entries: 1_000, size: 32 * 1024 * 1024 };

/** One reader of the feed. What it has not read yet waits in a bounded queue; past that it is cut off. */
export class EntryFollower implements FeedMember {
  readonly #options: FollowerOptions;
  readonly #ending = new AbortController();
  #queue: Waiting[] = [];
  #entries = 0;
  #size = 0;
  #labels: JobLabels;
  #seen: string;
  #skip: number;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#labels = options.labels;
    this.#seen = options.after;
    this.#skip = options.skip;
  }

  /** Aborted once nothing more will come, read or not; its reason is the error, if there was one. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  receive(item: FeedItem): void {
    if (this.ended.aborted || item.position <= this.#seen) return;
    const skip = this.#pass(item);
    const count = this.#countWanted(item, skip);
    if (count === 0) return;
    const size = 'gap' in item ? 0 : sizeOf(item.commit);
    const isFull = this.#entries + count > limit.entries || this.#size + size > limit.size;
    if (isFull && this.#queue.length > 0) return this.end(new StreamOverflow(limit.entries));
    this.#queue.push({ item, skip, count });
    this.#entries += count;
    this.#size += size;
    this.#wake();
  }

  end(error?: unknown): void {
    if (this.ended.aborted) return;
    if (error !== undefined) this.#failure = { error };
    this.#queue = [];
    this.#ending.abort(error);
    this.#options.onEnd();
    this.#wake();
  }

  /** All it is told, as it is read. */
  async *read(): AsyncGenerator<FollowedEntry> {
    try {
      for (;;) {
        const next = this.#take();
        if (next) yield* this.#entriesOf(next.item, next.skip);
        else if (this.ended.aborted) break;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.end();
    }
    if (this.#failure) throw asError(this.#failure.error);
  }

  /** Reads a watch of its own until it has come as far as the feed remembers, then joins that. */
  async *catchUp(watch: CommitWatch, feed: RunningFeed): AsyncGenerator<FollowedEntry> {
    let isJoined = false;
    try {
      for await (const item of watch) {
        if (!('idle' in item)) {
          const whole = { before: this.#seen, ...item };
          yield* this.#entriesOf(whole, this.#pass(whole));
        }
        this.#seen = item.position;
        isJoined = !this.ended.aborted && feed.joinAfter(item.position, this);
        if (isJoined) break;
      }
      this.#labels = feed.labels;
    } catch (error) {
      this.end(error);
    } finally {
      // Aborted, left by its reader, or the store is closed.
      if (!isJoined) this.end();
    }
    yield* this.read();
  }

  /** Takes note of an item; how many of its entries are known already. */
  #pass({ position }: FeedItem): number {
    const skip = this.#skip;
    this.#skip = 0;
    this.#seen = position;
    return skip;
  }

  #take(): Waiting | undefined {
    const next = this.#queue.shift();
    if (!next) return undefined;
    this.#entries -= next.count;
    this.#size -= 'gap' in next.item ? 0 : sizeOf(next.item.commit);
    return next;
  }

  /** How many entries are wanted, as far as that is known without asking the store. */
  #countWanted(item: FeedItem, skip: number): number {
    if ('gap' in item) return 1;
    const { filter } = this.#options;
    const known = isByLabels(filter) ? this.#labels.peek(item.commit) : undefined;
    if (known && !hasLabels(filter, item.commit, known)) return 0;
    return wantedOf(filter, item.commit, skip).length;
  }

  async *#entriesOf(item: FeedItem, skip: number): AsyncGenerator<FollowedEntry> {
    if ('gap' in item) {
      yield { position: toPosition(item.position, 0), gap: true };
      return;
    }
    const { commit, before, position } = item;
    const wanted = wantedOf(this.#options.filter, commit, skip);
    if (wanted.length === 0 || !(await this.#isLabelled(commit))) return;
    for (const { index, placed } of wanted) {
      if (this.ended.aborted) return;
      const isLast = index === commit.entries.length - 1;
      yield {
        position: isLast ? toPosition(position, 0) : toPosition(before, index + 1),
        entry: { ...viewEntry(placed), jobId: commit.job, type: commit.type },
      };
    }
  }

  async #isLabelled(commit: Commit): Promise<boolean> {
    const { filter } = this.#options;
    if (!isByLabels(filter)) return true;
    const found = await this.#labels.of(commit);
    return found !== undefined && hasLabels(filter, commit, found);
  }
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

/** Where to go on: behind a position of the log, and behind so many entries of the commit after it. */
const toPosition = (position: string, known: number): string => `${position}.${known}`;

function wantedOf(filter: EntryFilter, commit: Commit, skip: number) {
  const { type = commit.type, job = commit.job, state } = filter;
  if (commit.type !== type || commit.job !== job) return [];
  return placeEntries(commit)
    .map((placed, index) => ({ placed, index }))
    .filter(
      ({ placed, index }) => index >= skip && (state === undefined || leadsTo(placed.entry, state)),
    );
}

/** Whether a state is active after an entry: its dotted name, or one further in. */
const leadsTo = ({ to }: StoredEntry, state: string): boolean =>
  to?.split('|').some((leaf) => `${leaf}.`.startsWith(`${state}.`)) ?? false;

const isByLabels = ({ pipeline, tag, q }: EntryFilter): boolean =>
  pipeline !== undefined || tag !== undefined || q !== undefined;

function hasLabels({ pipeline, tag, q }: EntryFilter, { job }: Commit, labels: Labels): boolean {
  const { session, agent, task, tags } = labels;
  return (
    (pipeline === undefined || labels.pipeline === pipeline) &&
    (tag === undefined || tags.includes(tag)) &&
    (q === undefined || [job, labels.pipeline, session, agent, task, ...tags].includes(q))
  );
}
