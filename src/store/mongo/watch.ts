import { setTimeout as delay } from 'node:timers/promises';
import {
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  type ChangeStream,
  type ChangeStreamInsertDocument,
} from 'mongodb';
import { InvalidData, StoreUnavailable } from '../../errors.ts';
import type { CommitWatch, WatchedItem, WatchOptions } from '../store.ts';
import type { Collections, CommitRecord } from './collections.ts';
import { toCommit } from './commitRecord.ts';

type Insert = ChangeStreamInsertDocument<CommitRecord>;
interface ResumeToken {
  readonly _data: string;
}

/** Small enough that readers get their turn between two batches. */
const batchSize = 100;
/**
 * How long the database holds a connection while it has nothing to tell. Many who were away may come back
 * at once, and each only wants to hear soon that it has missed nothing more.
 */
const waitMs = { fromNow: 1_000, resumed: 50 };
const retryMs = 250;

/** Watches of the log, which end with the store. */
export function createWatcher({ commits }: Pick<Collections, 'commits'>) {
  const open = new Set<StreamWatch>();

  return {
    /** See Store.watch. */
    async watch({ after, signal }: WatchOptions): Promise<CommitWatch> {
      const end = (): void => void watch.end();
      const watch = new StreamWatch(commits, () => {
        open.delete(watch);
        signal.removeEventListener('abort', end);
      });
      open.add(watch);
      signal.addEventListener('abort', end);
      try {
        if (signal.aborted) end();
        await watch.begin(after);
        return watch;
      } catch (error) {
        await watch.end();
        throw error;
      }
    },

    /** Ends every watch. */
    async close(): Promise<void> {
      await Promise.all([...open].map((watch) => watch.end()));
    },
  };
}

/** One change stream on the log, opened again where it breaks. */
class StreamWatch implements CommitWatch {
  readonly #commits: Collections['commits'];
  readonly #onEnd: () => void;
  readonly #ending = new AbortController();
  readonly #ended: Promise<null>;
  #stream: ChangeStream<CommitRecord, Insert> | undefined;
  /** What was asked of the stream first, to open it. */
  #first: Promise<Insert | null> | undefined;
  /** Where to go on from after a gap that is still to be told. */
  #gap: string | undefined;
  #waitMs = waitMs.fromNow;
  start = '';

  constructor(commits: Collections['commits'], onEnd: () => void) {
    this.#commits = commits;
    this.#onEnd = onEnd;
    this.#ended = new Promise((resolve) => {
      this.#ending.signal.addEventListener('abort', () => resolve(null), { once: true });
    });
  }

  async begin(after: string | undefined): Promise<void> {
    const token = after === undefined ? undefined : toToken(after);
    if (token) this.#waitMs = waitMs.resumed;
    try {
      await this.#open(token);
    } catch (error) {
      if (token && isMalformed(error)) throw malformed();
      if (!token || !isLost(error)) throw error;
      await this.#open(undefined);
      this.#gap = this.#position();
    }
    this.start = after ?? this.#position();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchedItem> {
    try {
      while (!this.#ending.signal.aborted) {
        const item = await this.#next();
        // What comes after its end is not wanted any more.
        if (this.#ending.signal.aborted) return;
        if (item) yield item;
      }
    } finally {
      await this.end();
    }
  }

  async end(): Promise<void> {
    this.#ending.abort();
    this.#onEnd();
    const stream = this.#stream;
    this.#stream = undefined;
    // Nothing is lost with a cursor that cannot be closed: the database drops it in time.
    await stream?.close().catch(() => undefined);
  }

  /** The next item; undefined where there is none yet. */
  async #next(): Promise<WatchedItem | undefined> {
    if (this.#gap !== undefined) {
      const position = this.#gap;
      this.#gap = undefined;
      return { position, gap: true };
    }
    try {
      const asked = this.#first ?? this.#stream?.tryNext();
      this.#first = undefined;
      const change = await Promise.race([asked, this.#ended]);
      if (change) {
        return {
          position: toPosition(change._id as ResumeToken),
          commit: toCommit(change.fullDocument),
        };
      }
      return { position: this.#position(), idle: true };
    } catch (error) {
      if (!this.#ending.signal.aborted) await this.#recover(error);
      return undefined;
    }
  }

  /** Goes on where the broken stream was, or from now where the database no longer has that place. */
  async #recover(failure: unknown): Promise<void> {
    let from = this.#token();
    let cause = failure;
    let isGap = from === undefined;
    while (!this.#ending.signal.aborted) {
      if (from && isLost(cause)) {
        from = undefined;
        isGap = true;
      } else if (!isPassing(cause)) {
        throw new StoreUnavailable('the watch of the log broke', { cause });
      } else {
        await delay(retryMs, undefined, this.#ending).catch(() => undefined);
      }
      try {
        await this.#open(from);
        if (isGap) this.#gap = this.#position();
        return;
      } catch (error) {
        cause = error;
      }
    }
  }

  /** Resolves once the database has opened the stream, which is before there is anything to tell. */
  async #open(resumeAfter: ResumeToken | undefined): Promise<void> {
    if (this.#ending.signal.aborted) return;
    const stream = this.#commits.watch<CommitRecord, Insert>(
      [{ $match: { operationType: 'insert' } }],
      { batchSize, maxAwaitTimeMS: this.#waitMs, ...(resumeAfter && { resumeAfter }) },
    );
    const opened = new Promise<void>((resolve) => {
      stream.once('resumeTokenChanged', () => resolve());
    });
    const first = stream.tryNext();
    this.#stream = stream;
    this.#first = first;
    await Promise.race([opened, first, this.#ended]);
  }

  #token(): ResumeToken | undefined {
    return this.#stream?.resumeToken as ResumeToken | undefined;
  }

  #position(): string {
    const token = this.#token();
    return token ? toPosition(token) : this.start;
  }
}

const toPosition = ({ _data }: ResumeToken): string => _data.toLowerCase();

function toToken(position: string): ResumeToken {
  if (!/^([0-9a-f]{2}){8,2000}$/.test(position)) throw malformed();
  return { _data: position.toUpperCase() };
}

const malformed = (): InvalidData =>
  new InvalidData('position', [{ path: 'after', message: 'take it from an item seen before' }]);

/** ChangeStreamFatalError, ChangeStreamHistoryLost, and InvalidResumeToken: of a log that was dropped since. */
const isLost = (error: unknown): boolean => hasCode(error, [260, 280, 286]);

/** FailedToParse, Overflow, or one of the codes without a name: it is no token of the database's making. */
const isMalformed = (error: unknown): boolean =>
  hasCode(error, [9, 15]) ||
  (error instanceof MongoServerError && String(error.codeName).startsWith('Location'));

/** CursorNotFound, QueryPlanKilled, CursorKilled, Interrupted, or what the driver calls resumable. */
const isPassing = (error: unknown): boolean =>
  error instanceof MongoNetworkError ||
  error instanceof MongoServerSelectionError ||
  hasCode(error, [43, 175, 237, 11601]) ||
  (error instanceof MongoError && error.hasErrorLabel('ResumableChangeStreamError'));

const hasCode = (error: unknown, codes: readonly number[]): boolean =>
  error instanceof MongoServerError && codes.includes(Number(error.code));
