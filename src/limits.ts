import { z } from 'zod';
import { InvalidConfiguration } from './errors.ts';
import type { JsonLimits } from './machine/canonicalJson.ts';

/** Limits that a request meets before anything is written; JOBWRIGHT_LIMITS or the option `limits`. */
export interface Limits {
  /** Bytes of a request's body, and of one event's or set-up's data. */
  readonly body: number;
  /** Levels of objects and arrays in data. */
  readonly depth: number;
  /** Object keys and array items in data, in all. */
  readonly keys: number;
  /** Jobs or entries on a page. */
  readonly page: number;
  /** Characters of a token. */
  readonly token: number;
  /** Requests that the service works on at once; more are asked to come again. */
  readonly requests: number;
  /** Live streams of one actor in one process. */
  readonly streams: number;
  /** Events in one chain. */
  readonly chain: number;
  /** Characters of data in one chain: at the most three bytes each, in a document of at most 16 MB. */
  readonly chainBytes: number;
  /** Bytes of one output of an attempt, in UTF-8 before it is compressed. */
  readonly output: number;
  /** Entries in a job's history; only admins get further. */
  readonly history: number;
  /** From here on the history is reported as long. */
  readonly historyWarning: number;
}

export const defaultLimits: Limits = {
  body: 262_144,
  depth: 32,
  keys: 10_000,
  page: 500,
  token: 4_096,
  requests: 2_000,
  streams: 10,
  chain: 1_000,
  chainBytes: 4 * 1024 * 1024,
  output: 16 * 1024 * 1024,
  history: 50_000,
  historyWarning: 10_000,
};

/** Those of them that data meets. */
export const jsonLimitsOf = ({ depth, keys, body }: Limits): JsonLimits => ({
  depth,
  keys,
  bytes: body,
});

/** Of data that was accepted once, under other limits maybe. */
export const storedJsonLimits: JsonLimits = {
  depth: 200,
  keys: 10_000_000,
  bytes: 16 * 1024 * 1024,
};

/** More than this the store, or JSON itself, could not take. */
export const highestLimits: Limits = {
  body: 4 * 1024 * 1024,
  depth: 100,
  keys: 1_000_000,
  page: 10_000,
  token: 65_536,
  requests: 100_000,
  streams: 10_000,
  chain: 10_000,
  chainBytes: 4 * 1024 * 1024,
  output: 256 * 1024 * 1024,
  history: 10_000_000,
  historyWarning: 10_000_000,
};

/**
 * Reads `name=number,name=number`; whatever is not named keeps its default. Throws InvalidConfiguration
 * for a name that is none, and for a number that is not from 1 to the highest that can be kept.
 */
export function parseLimits(text: string): Partial<Limits> {
  const pairs = text
    .split(',')
    .filter((pair) => pair.trim() !== '')
    .map((pair) => {
      const [name = '', number = ''] = pair.split('=').map((part) => part.trim());
      return [name, /^\d+$/.test(number) ? Number(number) : number];
    });
  return checkLimits(Object.fromEntries(pairs));
}

/** Throws InvalidConfiguration unless these are limits. */
export function checkLimits(limits: unknown): Partial<Limits> {
  const result = schema.safeParse(limits);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new InvalidConfiguration(
    'JOBWRIGHT_LIMITS',
    `${where} ${issue?.message ?? 'cannot be read'}; give name=number, separated by commas, with the names ${Object.keys(highestLimits).join(', ')}`,
  );
}

const limit = (name: keyof Limits) => z.int().min(1).max(highestLimits[name]).exactOptional();

const schema = z.strictObject({
  body: limit('body'),
  depth: limit('depth'),
  keys: limit('keys'),
  page: limit('page'),
  token: limit('token'),
  requests: limit('requests'),
  streams: limit('streams'),
  chain: limit('chain'),
  chainBytes: limit('chainBytes'),
  output: limit('output'),
  history: limit('history'),
  historyWarning: limit('historyWarning'),
});
