import { z } from 'zod';
import { outputNames } from '../records/outputs.ts';
import { named } from './schemas.ts';

/** The shapes of attempts and of calls on many jobs; see schemas.ts. */
const name = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => {
  named.add(schema, { id });
  return schema;
};

const instant = z.iso.datetime({ precision: 3 }).describe('UTC, with milliseconds');
const size = z.strictObject({ bytes: z.int().describe('of its text in UTF-8') });

export const attempt = name(
  'Attempt',
  z.strictObject({
    attempt: z.int().describe('1 for the first that ended'),
    epoch: z.int().describe('number of its claim'),
    worker: z.string().nullable(),
    outcome: z.enum(['complete', 'error', 'lost']),
    startedAt: instant,
    endedAt: instant,
    error: z.strictObject({ type: z.string(), message: z.string() }).nullable(),
    outputs: z.strictObject(Object.fromEntries(outputNames.map((each) => [each, size.optional()]))),
  }),
);
export const attempts = name('Attempts', z.strictObject({ attempts: z.array(attempt) }));
