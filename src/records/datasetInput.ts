import { z } from 'zod';
import { priority, queueTag } from '../../machines/commonEvents.ts';
import { InvalidData } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { issuesOf } from '../jobs/parseEvent.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { DatasetItem } from '../store/datasetStore.ts';
import { stoppedOptions, type Stopped } from './findOrCreate.ts';

type Data = Readonly<Record<string, unknown>>;

/** A cell of a dataset's table. */
export type Pair = Pick<DatasetItem, 'entry' | 'specification'>;

export interface DatasetInput {
  readonly name: string;
  readonly description?: string | undefined;
  /** Machine of its jobs. Default: `record`. */
  readonly type?: string | undefined;
  /** Name → the part of a record's data that it gives. */
  readonly specifications?: Readonly<Record<string, Data>> | undefined;
  /** For records whose data names none. */
  readonly tag?: string | undefined;
  readonly priority?: number | 'low' | 'normal' | 'high' | undefined;
}

export interface EntryInput {
  readonly name: string;
  /** The part of a record's data that the entry gives: wins over the specification's. */
  readonly data?: Data | null | undefined;
}

export interface SubmitOptions {
  /** Names; all without. */
  readonly entries?: readonly string[] | undefined;
  readonly specifications?: readonly string[] | undefined;
  /** For all records that this sets up, whatever their data says. */
  readonly tag?: string | undefined;
  readonly priority?: DatasetInput['priority'];
  /** False sets up new records, however many alike there are. Default: true. */
  readonly findExisting?: boolean | undefined;
  /** What is done with a match that is cancelled, deleted or invalid. Default: `keep`. */
  readonly stopped?: Stopped | undefined;
  /** Looks at so many pairs at most, and tells where to go on. Default: all. */
  readonly limit?: number | undefined;
  /** `next` of the call before. */
  readonly cursor?: string | undefined;
}

/** Which pairs are meant: those with one of each of these; all without. */
export interface PairFilter {
  readonly entries?: readonly string[] | undefined;
  readonly specifications?: readonly string[] | undefined;
  /** Dotted states of their records. */
  readonly states?: readonly string[] | undefined;
}

/** A name of a dataset, an entry or a specification. */
export const datasetName = z
  .string()
  .min(1)
  .max(200)
  .refine((name) => name !== '.' && name !== '..', 'a name that can stand in a URL')
  .refine(
    (name) => name.isWellFormed() && !/\p{Cc}/u.test(name),
    'a text without control characters',
  );
const names = z.array(datasetName).max(100_000).readonly();
const data = z.record(z.string(), z.unknown());
const queueWish = { tag: queueTag.optional(), priority: priority.optional() };
const pairSchema = z.tuple([datasetName, datasetName]);

export const specificationsSchema = z.record(datasetName, data);
export const entriesSchema = z.array(z.strictObject({ name: datasetName, data: data.nullish() }));
export const datasetSchema = z.strictObject({
  name: datasetName,
  description: z.string().max(10_000).default(''),
  type: z.string().min(1).max(200).default('record'),
  specifications: specificationsSchema.default({}),
  ...queueWish,
});
export const filterSchema = z.strictObject({
  entries: names.optional(),
  specifications: names.optional(),
  states: z.array(z.string().max(1_024)).readonly().optional(),
});
export const submitSchema = z.strictObject({
  entries: names.optional(),
  specifications: names.optional(),
  ...queueWish,
  findExisting: z.boolean().optional(),
  stopped: z.enum(stoppedOptions).optional(),
  limit: z.int().min(1).optional(),
  cursor: z.string().max(4_096).optional(),
});

/** What a schema makes of something given. Throws InvalidData. */
export function parseGiven<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new InvalidData(what, issuesOf(parsed.error, what));
  return parsed.data;
}

/** The same value as it comes back from JSON, with the limits that data has; `path` says where it was given. */
export function takeData(
  { jsonLimits }: Pick<Engine, 'jsonLimits'>,
  given: Data,
  path: string,
): Data {
  const taken = canonicalJson(given, jsonLimits);
  if (taken.ok) return JSON.parse(taken.text) as Data;
  const issues = taken.issues.map((issue) => ({ ...issue, path: `${path}.${issue.path}` }));
  throw new InvalidData('data', issues);
}

/** A pair as a text that leads back to it: pairs go by specification, then entry. */
export const pairCursor = ({ specification, entry }: Pair): string =>
  Buffer.from(JSON.stringify([specification, entry])).toString('base64url');

/** Throws InvalidData for what is no such text. */
export function readPairCursor(cursor: string | undefined): Pair | undefined {
  if (cursor === undefined) return undefined;
  try {
    const text = Buffer.from(cursor, 'base64url').toString();
    const [specification, entry] = pairSchema.parse(JSON.parse(text));
    return { specification, entry };
  } catch {
    const message = 'take it from `next` of the call before';
    throw new InvalidData('cursor', [{ path: 'cursor', message }]);
  }
}
