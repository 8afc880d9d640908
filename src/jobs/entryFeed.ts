import { CommitFeed, type RunningFeed } from './commitFeed.ts';
import type { Engine } from './engine.ts';
import {
  EntryFollower,
  type EntryFilter,
  type FollowedEntry,
  type FollowerOptions,
} from './entryFollower.ts';
import { JobLabels } from './jobLabels.ts';

/** A place in a chain: behind a position of the log, and behind so many entries of the commit after it. */
export interface EntryPlace {
  readonly position: string;
  readonly known: number;
}

export interface FollowOptions {
  readonly after?: EntryPlace | undefined;
  readonly signal: AbortSignal;
}

/** Entries for one reader. */
export interface EntryWatch extends AsyncIterable<FollowedEntry> {
  /** Where it began: to go on from there, if nothing is read. */
  readonly start: string;
  /** Aborted once nothing more will come, whether it is read or not; its reason is the error, if any. */
  readonly ended: AbortSignal;
}

/** All followers of a process, who share one watch of the log. */
export class EntryFeed {
  readonly #engine: Pick<Engine, 'store' | 'live'>;
  readonly #commits: CommitFeed;
  readonly #followers = new Set<EntryFollower>();
  #isClosed = false;

  constructor(engine: Pick<Engine, 'store' | 'live'>) {
    this.#engine = engine;
    this.#commits = new CommitFeed(engine);
  }

  /** How many follow. */
  get followers(): number {
    return this.#followers.size;
  }

  /** Whether the shared watch is open. */
  get isOpen(): boolean {
    return this.#commits.isOpen;
  }

  /** Once it resolves, no later entry is missed. */
  async follow(filter: EntryFilter, { after, signal }: FollowOptions): Promise<EntryWatch> {
    const feed = await this.#commits.hold();
    const { position = feed.position, known = 0 } = after ?? {};
    const isRecent = position <= feed.position && feed.remembers(position);
    const follower = this.#begin(feed, signal, {
      filter,
      labels: isRecent ? feed.labels : new JobLabels(this.#engine),
      after: position,
      skip: known,
    });
    const { ended } = follower;
    const start = `${position}.${known}`;
    if (isRecent) {
      if (!ended.aborted) feed.joinAfter(position, follower);
      return { start, ended, [Symbol.asyncIterator]: () => follower.read() };
    }
    try {
      const own = await this.#engine.store.watch({ after: position, signal: ended });
      return { start, ended, [Symbol.asyncIterator]: () => follower.catchUp(own, feed) };
    } catch (error) {
      follower.end(error);
      throw error;
    }
  }

  /** Ends every follower, without an error. */
  close(): void {
    this.#isClosed = true;
    for (const follower of this.#followers) follower.end();
  }

  #begin(
    feed: RunningFeed,
    signal: AbortSignal,
    options: Omit<FollowerOptions, 'onEnd'>,
  ): EntryFollower {
    const end = (): void => follower.end();
    const follower = new EntryFollower({
      ...options,
      onEnd: () => {
        signal.removeEventListener('abort', end);
        this.#followers.delete(follower);
        feed.leave(follower);
        this.#commits.release(feed);
      },
    });
    this.#followers.add(follower);
    signal.addEventListener('abort', end);
    if (signal.aborted || this.#isClosed) end();
    return follower;
  }
}
