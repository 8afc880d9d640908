import { z } from 'zod';
import { bulkScopes } from '../bulk/bulkRequest.ts';
import { actor, named } from './schemas.ts';

const name = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => {
  named.add(schema, { id });
  return schema;
};

const json = z.record(z.string(), z.unknown());
const instant = z.iso.datetime({ precision: 3 }).describe('UTC, with milliseconds');
const text = z.string().max(1_024);
const count = z.int().min(0);
const reason = z.string().max(2_000);

const filter = z.strictObject({
  type: text.optional(),
  state: text.optional(),
  pipeline: text.optional(),
  tag: text.optional(),
  q: text.optional(),
});

export const bulk = name(
  'Bulk',
  z.strictObject({
    op: z
      .string()
      .max(64)
      .describe('an event of the jobs; delete with data {hard: true} is for good'),
    ids: z.array(z.unknown()).optional().describe('ids of jobs; or q'),
    q: z
      .union([text, filter])
      .optional()
      .describe('filters of the list, or its text search: all that match and are there already'),
    data: json.nullish().describe('data of the event'),
    scope: z.enum(bulkScopes).optional().describe('whom it reaches beside those; default: self'),
    reason: reason.optional(),
    dryRun: z
      .boolean()
      .optional()
      .describe('writes nothing, and answers what would become of each'),
    plan: z.string().max(4_096).optional().describe('what a dry run of this request has answered'),
    wait: z
      .number()
      .min(0)
      .max(60)
      .default(25)
      .describe('seconds to wait for its end; it goes on all the same'),
  }),
);

const byCode = z.record(z.string(), count);
const relatives = z.strictObject({
  updated: count,
  unchanged: count,
  refused: count,
  sharedLeft: count.describe('children left as they are, as others have them too'),
});
const counts = name(
  'BulkCounts',
  z.strictObject({
    ...{ requested: count, updated: count, unchanged: count, refused: count, byCode },
    relatives,
  }),
);
const progress = z.strictObject({ done: count, total: count });

const outcome = name(
  'BulkOutcome',
  z.strictObject({
    index: count.describe('place in the request'),
    id: z.string(),
    outcome: z.enum(['updated', 'unchanged', 'refused']),
    code: z.string().optional(),
    state: z.string().optional(),
  }),
);

const answer = {
  run: z.string().nullable().describe('null where there was nothing to act on'),
  state: z.string(),
  progress,
  counts,
};

export const bulkPlan = name(
  'BulkPlan',
  z.strictObject({
    matched: count,
    counts,
    byState: z.record(z.string(), count),
    sample: z.array(outcome),
    plan: z.string().describe('give it to the run of this very request'),
    expiresAt: instant,
  }),
);

export const bulkDone = name(
  'BulkDone',
  z.strictObject({
    ...answer,
    outcomes: z.array(outcome).optional(),
    next: z.string().optional().describe('where the outcomes are, if there are more than 10,000'),
  }),
);
export const bulkAnswer = name('BulkAnswer', z.union([bulkDone, bulkPlan]));
export const bulkAccepted = name('BulkAccepted', z.strictObject(answer));

export const bulkRun = name(
  'BulkRun',
  z.strictObject({
    ...answer,
    run: z.string(),
    op: z.string(),
    data: json.nullable(),
    scope: z.string(),
    reason: z.string().nullable(),
    q: json.nullable(),
    by: actor,
    createdAt: instant,
    updatedAt: instant,
  }),
);
export const bulkRuns = name(
  'BulkRuns',
  z.strictObject({ runs: z.array(bulkRun), next: z.string().describe('cursor').optional() }),
);
export const bulkOutcomes = name(
  'BulkOutcomes',
  z.strictObject({
    outcomes: z.array(outcome),
    next: z.int().describe('give it as `after` for the next page').optional(),
  }),
);
export const bulkStop = name('BulkStop', z.strictObject({ reason: reason.optional() }));

const whole = z
  .string()
  .regex(/^\d{1,15}$/, 'a whole number')
  .transform(Number);
export const bulkListQuery = z.strictObject({ limit: whole.optional(), cursor: text.optional() });
export const bulkOutcomesQuery = z.strictObject({
  after: whole.optional(),
  limit: whole.optional(),
});
