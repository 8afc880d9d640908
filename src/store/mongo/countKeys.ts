import type { StateCount } from '../store.ts';
import type { CountRecord, Sums } from './collections.ts';

/**
 * Machine and state as the name of a field: a blank between them, and whatever a field's name or the
 * path to it gives another meaning escaped.
 */
export const keyOf = (type: string, state: string): string => `${escape(type)} ${escape(state)}`;

type Summand = Pick<CountRecord, '_id' | 'counts' | 'cleared' | 'taken'>;

/**
 * What the documents add up to, without the states that have no job. What the base has taken in of a
 * process, and is still in that one's own document, is there twice and counts once.
 */
export function toCounts(records: readonly Summand[]): StateCount[] {
  const sums = new Map<string, number>();
  const add = (counts: Sums, factor: number): void => {
    for (const [key, jobs] of Object.entries(counts)) {
      sums.set(key, (sums.get(key) ?? 0) + jobs * factor);
    }
  };
  for (const { counts = {}, taken } of records) {
    add(counts, 1);
    const twice = taken && records.find(({ _id }) => _id === taken.process);
    if (twice && !((twice.cleared ?? 0) >= taken.version)) add(taken.counts, -1);
  }
  return [...sums].flatMap(([key, jobs]) => {
    const [type = '', state = ''] = key.split(' ').map(unescape);
    return jobs === 0 ? [] : [{ type, state, jobs }];
  });
}

const escape = (text: string): string =>
  text.replaceAll(/[%.$\s\0]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);

const unescape = (text: string): string =>
  text.replaceAll(/%([0-9a-f]{4})/g, (_all, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
