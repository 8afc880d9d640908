import { seededRandom } from '../support/waitUntil.ts';

/** Draws by a repeatable source. */
export interface Draw {
  /** A whole number from 0 up to, not including, this one. */
  below(end: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]] | readonly Item[]): Item;
  bytes(count: number): Buffer;
}

/** The draws of one request of a run: the same whatever came of the requests before it. */
export function drawFor(seed: number, index: number): Draw {
  const random = seededRandom((seed + Math.imul(index + 1, 0x9e3779b1)) >>> 0);
  const below = (end: number): number => Math.floor(random() * end);
  return {
    below,
    chance: (probability) => random() < probability,
    pick<Item>(items: readonly Item[]): Item {
      const index = below(items.length);
      if (index >= items.length) throw new Error('there is nothing to pick from');
      return items[index] as Item;
    },
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => below(256))),
  };
}
