/** Turns any text into one of a bounded set of label values: a database of metrics keeps each for ever. */
export type BoundLabel = (text: unknown) => string;

/** These very names; everything else is `other`. */
export function oneOf(names: Iterable<string>, other: string): BoundLabel {
  const known = new Set(names);
  return (text) => (typeof text === 'string' && known.has(text) ? text : other);
}

/** The first `limit` texts of this shape that come, for names that no list tells; the rest is `other`. */
export function firstOf(limit: number, shape: RegExp): BoundLabel {
  const seen = new Set<string>();
  return (text) => {
    if (typeof text !== 'string' || text === 'other') return 'other';
    if (seen.has(text)) return text;
    if (seen.size >= limit || !shape.test(text)) return 'other';
    seen.add(text);
    return text;
  };
}
