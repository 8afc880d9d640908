import type { DocumentMatch } from '../store.ts';

type Lookup = (collection: string, texts: readonly string[]) => Promise<DocumentMatch[]>;

interface Group {
  readonly texts: Set<string>;
  length: number;
  readonly found: Promise<DocumentMatch[]>;
}

/** Texts of one query, and their length in all: far below what the database takes. */
const maxTexts = 1_000;
const maxLength = 1_000_000;

/**
 * The same lookup, but what callers ask for within one turn of the event loop goes out as one query a
 * collection. Many set-ups at once look for texts in the same two collections.
 */
export function groupLookups(lookup: Lookup): Lookup {
  const open = new Map<string, Group>();

  const begin = (collection: string): Group => {
    const texts = new Set<string>();
    const found = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      if (open.get(collection) === group) open.delete(collection);
      return lookup(collection, [...texts]);
    });
    const group: Group = { texts, length: 0, found };
    open.set(collection, group);
    return group;
  };

  return async (collection, texts) => {
    const length = texts.reduce((sum, text) => sum + text.length, 0);
    const known = open.get(collection);
    const fits =
      known && known.texts.size + texts.length <= maxTexts && known.length + length <= maxLength;
    const group = fits ? known : begin(collection);
    for (const text of texts) group.texts.add(text);
    group.length += length;
    return (await group.found).filter(({ text }) => texts.includes(text));
  };
}
