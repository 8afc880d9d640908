import { InvalidData } from '../../errors.ts';
import type { Commit, CommitWatch, WatchedItem, WatchOptions } from '../store.ts';

/** Where a commit stands that was appended; it is looked up when it is told, as it then is. */
type Place = Pick<Commit, 'job' | 'seq'>;

/** Watches of the log. A position is how many commits were appended up to there. */
export function createWatches(commitAt: (job: string, seq: number) => Commit | undefined) {
  const places: Place[] = [];
  const open = new Set<MemoryWatch>();

  return {
    add: ({ job, seq }: Place): void => {
      places.push({ job, seq });
      open.forEach((watch) => watch.wake());
    },

    watch: ({ after, signal }: WatchOptions): CommitWatch => {
      const end = (): void => watch.end();
      const commitOf = (index: number): Commit | undefined => {
        const place = places[index];
        return place && commitAt(place.job, place.seq);
      };
      const watch = new MemoryWatch({
        commitOf,
        count: () => places.length,
        after: after === undefined ? places.length : toCount(after),
        onEnd: () => {
          open.delete(watch);
          signal.removeEventListener('abort', end);
        },
      });
      open.add(watch);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
      return watch;
    },

    close: (): void => open.forEach((watch) => watch.end()),
  };
}

interface MemoryWatchOptions {
  readonly commitOf: (index: number) => Commit | undefined;
  readonly count: () => number;
  readonly after: number;
  readonly onEnd: () => void;
}

class MemoryWatch implements CommitWatch {
  readonly start: string;
  readonly #options: MemoryWatchOptions;
  #place: number;
  #isEnded = false;
  #wake: () => void = () => undefined;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#place = options.after;
    this.start = toPosition(options.after);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchedItem> {
    try {
      for (let isIdle = false; !this.#isEnded;) {
        const item = this.#next();
        if (item) yield item;
        else if (!isIdle) yield { position: toPosition(this.#place), idle: true };
        isIdle = !item;
        if (isIdle) await this.#appended();
      }
    } finally {
      this.end();
    }
  }

  wake(): void {
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#options.onEnd();
    this.#wake();
  }

  #next(): WatchedItem | undefined {
    const { commitOf, count } = this.#options;
    if (this.#place > count()) {
      this.#place = count();
      return { position: toPosition(this.#place), gap: true };
    }
    const commit = commitOf(this.#place);
    if (!commit) return undefined;
    this.#place += 1;
    return { position: toPosition(this.#place), commit };
  }

  /** Resolves once there may be more than was told, or the end. */
  async #appended(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#isEnded || this.#place < this.#options.count()) resolve();
    });
  }
}

/** Of one length, so that they sort. */
const toPosition = (count: number): string => String(count).padStart(16, '0');

function toCount(position: string): number {
  const count = /^\d{16}$/.test(position) ? Number(position) : NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new InvalidData('position', [
    { path: 'after', message: 'take it from an item seen before' },
  ]);
}
