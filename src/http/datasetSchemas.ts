import { z } from 'zod';
import { stoppedOptions } from '../records/findOrCreate.ts';
import { named } from './schemas.ts';

const name = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => {
  named.add(schema, { id });
  return schema;
};

const json = z.record(z.string(), z.unknown());
const instant = z.iso.datetime({ precision: 3 }).describe('UTC, with milliseconds');
const text = z.string().max(1_024);
const count = z.int().min(0);
/** Checked further where they are used. */
const names = z.array(text).max(100_000);
const priority = z.union([z.int(), z.enum(['low', 'normal', 'high'])]);
const whole = z
  .string()
  .regex(/^\d{1,9}$/, 'a whole number')
  .transform(Number);

export const pageQuery = z.strictObject({ limit: whole.optional(), cursor: text.optional() });

const relative = name(
  'Relative',
  z.strictObject({ id: z.string(), type: z.string(), state: z.string() }),
);
export const children = name(
  'Children',
  z.strictObject({ children: z.array(relative), next: z.string().optional() }),
);
export const parents = name('Parents', z.strictObject({ parents: z.array(relative) }));

export const datasetInput = name(
  'DatasetInput',
  z.strictObject({
    description: z.string().optional(),
    type: text.optional().describe('machine of its jobs; default record'),
    specifications: z.record(z.string(), json).optional(),
    tag: text.optional().describe('for records whose data names none'),
    priority: priority.optional(),
  }),
);

const summary = {
  name: z.string(),
  description: z.string(),
  type: z.string(),
  tag: z.string().nullable(),
  priority: z.int().nullable(),
  createdAt: instant,
  updatedAt: instant,
};
export const dataset = name(
  'Dataset',
  z.strictObject({
    ...summary,
    specifications: z
      .record(z.string(), json)
      .describe('the part of a record’s data that each gives'),
    entries: count.describe('how many there are'),
    created: z.boolean().optional().describe('only in the answer to PUT'),
  }),
);
export const datasets = name(
  'Datasets',
  z.strictObject({ datasets: z.array(z.strictObject(summary)), next: z.string().optional() }),
);

export const datasetRemoved = name('DatasetRemoved', z.strictObject({ removed: z.literal(true) }));

export const specifications = name(
  'Specifications',
  z.strictObject({ specifications: z.record(z.string(), json) }),
);
export const entries = name(
  'Entries',
  z.strictObject({
    entries: z.array(
      z.strictObject({
        name: text,
        data: json.nullish().describe('the part of a record’s data that it gives'),
      }),
    ),
  }),
);
export const added = name(
  'Added',
  z.strictObject({
    added: z.array(z.string()),
    existing: z.array(z.string()).describe('names that were there: they stay as they are'),
  }),
);

/** Pairs that one call looks at at most. */
const maxPairs = 10_000;

export const submit = name(
  'Submit',
  z.strictObject({
    entries: names.optional().describe('names; all without'),
    specifications: names.optional().describe('names; all without'),
    tag: text.optional().describe('for all records that this sets up'),
    priority: priority.optional(),
    findExisting: z
      .boolean()
      .optional()
      .describe('false sets up new records, however many alike there are'),
    stopped: z
      .enum(stoppedOptions)
      .optional()
      .describe('what is done with a match that is cancelled, deleted or invalid; default keep'),
    limit: z.int().min(1).max(maxPairs).default(maxPairs).describe('pairs looked at in this call'),
    cursor: z.string().max(4_096).optional().describe('`next` of the call before'),
  }),
);
export const submitted = name(
  'Submitted',
  z.strictObject({
    submitted: count.describe('records that are new'),
    existing: count.describe('records that were there, and are tied to their pairs now'),
    kept: count.describe('of those, found cancelled, deleted or invalid, and left so'),
    restored: count.describe('of those, found so and brought back'),
    already: count.describe('pairs that had their records before'),
    refused: z.array(
      z.strictObject({
        entry: z.string(),
        specification: z.string(),
        code: z.string(),
        message: z.string(),
      }),
    ),
    next: z.string().optional().describe('where to go on: not all pairs were looked at'),
  }),
);

export const datasetStatus = name(
  'DatasetStatus',
  z.strictObject({
    name: z.string(),
    entries: count,
    counts: z
      .record(z.string(), z.record(z.string(), count))
      .describe('specification → state → records; `gone` are those deleted for good'),
    table: z.string().describe('the same as text'),
  }),
);

export const itemsQuery = z.strictObject({
  entry: text.optional(),
  specification: text.optional(),
  state: text.optional(),
  limit: whole.optional(),
  cursor: z.string().max(4_096).optional(),
});
export const items = name(
  'DatasetItems',
  z.strictObject({
    items: z.array(
      z.strictObject({
        entry: z.string(),
        specification: z.string(),
        job: z.string(),
        state: z.string().nullable().describe('null where the record is gone'),
      }),
    ),
    next: z.string().optional(),
  }),
);
