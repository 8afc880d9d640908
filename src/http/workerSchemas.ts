import { z } from 'zod';
import { named } from './schemas.ts';

const name = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => {
  named.add(schema, { id });
  return schema;
};

const json = z.record(z.string(), z.unknown());
const instant = z.iso.datetime({ precision: 3 }).describe('UTC, with milliseconds');
const text = z.string().max(1_024);
const count = z.int().min(0);
const status = z.enum(['active', 'inactive', 'lost']);
/** More than any worker has; each is checked further where it is used. */
const words = z.array(text).max(1_000);

export const activation = name(
  'WorkerActivation',
  z.strictObject({
    name: text.optional().describe('used once for ever; default: one that is drawn'),
    tags: words
      .optional()
      .describe('in its order of preference; `*`, the default, takes every tag'),
    programs: z.record(z.string(), text).optional().describe('program → version'),
    leaseSeconds: z
      .number()
      .optional()
      .describe('how long it may be silent, 2 to 3600; default: 30'),
  }),
);

export const worker = name(
  'Worker',
  z.strictObject({
    name: z.string(),
    subject: z.string().describe('whose token may speak for it'),
    status,
    tags: z.array(z.string()),
    programs: z.record(z.string(), z.string()),
    leaseSeconds: z.number(),
    activatedAt: instant,
    beatAt: instant,
    deadline: instant.describe('silent longer than this, it is lost'),
    endedAt: instant.nullable(),
    counts: z.strictObject({
      claimed: count,
      completed: count,
      failed: count,
      released: count,
      rejected: count,
    }),
  }),
);

export const workers = name(
  'Workers',
  z.strictObject({ workers: z.array(worker), next: z.string().describe('cursor').optional() }),
);

const held = z.strictObject({ id: text, epoch: z.int().describe('the number of the claim') });

export const heartbeat = name(
  'Heartbeat',
  z.strictObject({
    running: z.array(held).max(10_000).optional().describe('all that it works on'),
  }),
);

export const heartbeatAnswer = name(
  'HeartbeatAnswer',
  z.strictObject({
    worker,
    abandon: z
      .array(z.strictObject({ id: z.string(), epoch: z.int(), state: z.string() }))
      .describe('what it is to drop: cancelled, or with another worker'),
  }),
);

export const claimRequest = name(
  'ClaimRequest',
  z.strictObject({
    limit: z.int().min(0).nullish().describe('more than 200 are taken for 200, the default'),
    tags: words.optional().describe('some of those it declared; others are ignored'),
    programs: words.optional(),
  }),
);

export const claimedJobs = name(
  'ClaimedJobs',
  z.strictObject({
    jobs: z.array(
      z.strictObject({
        id: z.string(),
        epoch: z.int().describe('to be named in all reports on it'),
        type: z.string(),
        tag: z.string(),
        priority: z.int(),
        programs: z.array(z.string()),
        data: json,
        archivePath: z.string(),
        createdAt: instant,
      }),
    ),
  }),
);

export const progressReports = name(
  'ProgressReports',
  z.strictObject({
    reports: z.array(z.unknown()).describe('each {id, epoch, progress}; each is checked by itself'),
  }),
);

export const results = name(
  'Results',
  z.strictObject({
    results: z
      .array(z.unknown())
      .describe(
        'each {id, epoch, outcome: complete | error | released, result?, stdout?, stderr?, error?, reason?}; each is checked by itself',
      ),
  }),
);

export const outcomes = name(
  'ReportOutcomes',
  z.strictObject({
    outcomes: z.array(
      z.discriminatedUnion('outcome', [
        z.strictObject({
          index: count,
          id: z.string(),
          outcome: z.literal('accepted'),
          state: z.string().describe('of the job after it'),
        }),
        z.strictObject({
          index: count,
          id: z.string(),
          outcome: z.literal('rejected'),
          code: z.string(),
          message: z.string(),
          state: z.string().optional(),
        }),
      ]),
    ),
    accepted: count,
    rejected: count,
  }),
);

export const why = name(
  'WhyWaiting',
  z.strictObject({
    id: z.string(),
    reason: z.enum([
      'not_waiting',
      'no_workers_needed',
      'follows_children',
      'cleaning_archive',
      'backing_off',
      'no_active_workers',
      'tag_unhandled',
      'programs_missing',
      'waiting_for_worker',
    ]),
    message: z.string(),
    details: json.describe('its state, since when, and what the reason rests on'),
  }),
);

const whole = z
  .string()
  .regex(/^\d{1,15}$/, 'a whole number')
  .transform(Number);

export const workerQuery = z.strictObject({
  status: status.optional(),
  limit: whole.optional(),
  cursor: text.optional(),
});
