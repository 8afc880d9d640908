import { z } from 'zod';
import { linkFields } from '../store/store.ts';

/**
 * The shapes of the interface, each under the name that openapi.json gives it. Answers are made by the
 * views of the library; these describe them, and the tests hold every answer against its schema.
 */
export const named = z.registry<{ id: string }>();

const name = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => {
  named.add(schema, { id });
  return schema;
};

const json = z.record(z.string(), z.unknown());
const instant = z.iso.datetime({ precision: 3 }).describe('UTC, with milliseconds');
const text = z.string().max(1_024);
const actorKind = z.enum(['job', 'worker', 'reader', 'operator', 'admin', 'system']);

export const actor = name('Actor', z.strictObject({ kind: actorKind, id: z.string() }));

export const allowedEvent = name(
  'AllowedEvent',
  z.strictObject({
    name: z.string(),
    who: z.array(actorKind),
    schema: json.describe('JSON Schema of the data').optional(),
  }),
);

export const job = name(
  'Job',
  z.strictObject({
    id: z.string(),
    type: z.string(),
    typeVersion: z.string(),
    state: z.string().describe('the dotted active state'),
    states: z.array(z.string()).describe('all active states'),
    version: z.int().describe('seq of the newest entry'),
    lastEvent: z.string(),
    data: json,
    links: z.strictObject(
      Object.fromEntries(linkFields.map((field) => [field, z.array(z.string())])),
    ),
    pipeline: z.string().nullable(),
    session: z.string().nullable(),
    agent: z.string().nullable(),
    task: z.string().nullable(),
    archivePath: z.string(),
    tags: z.array(z.string()),
    createdAt: instant,
    updatedAt: instant,
    details: json.describe('what its machine shows of what it remembers').optional(),
    allowedEvents: z.array(allowedEvent),
  }),
);

export const entry = name(
  'Entry',
  z.strictObject({
    id: z.string(),
    seq: z.int(),
    name: z.string(),
    data: json.nullable(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    at: instant,
    actor,
    tokenId: z.string().describe('id of the token by which an admin did this').optional(),
    key: z.string().optional(),
    hash: z.string(),
  }),
);

export const problem = name(
  'Problem',
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('stable; see docs/errors.md'),
  }),
);

export const setup = name(
  'Setup',
  z.strictObject({
    type: z.string().max(200).default('pipelineJob'),
    pipeline: text.nullish().describe('id of a registered pipeline'),
    parents: z
      .union([z.string(), z.array(z.string())])
      .nullish()
      .describe("a document's id, its name, or <collection>:<id or name>"),
    data: json.nullish(),
    session: text.nullish(),
    agent: text.nullish(),
    task: text.nullish(),
    archivePath: text.nullish(),
    instanced: z.boolean().nullish(),
    tags: z.array(text).max(100).nullish(),
    findExisting: z.boolean().nullish().describe('false: a new job, however many alike there are'),
  }),
);

export const created = name(
  'CreatedJob',
  z.strictObject({ job, token: z.string(), callbackUrl: z.string() }),
);

export const jobs = name(
  'Jobs',
  z.strictObject({ jobs: z.array(job), next: z.string().describe('cursor').optional() }),
);

export const counts = name(
  'Counts',
  z.strictObject({
    counts: z
      .record(z.string(), z.record(z.string(), z.int()))
      .describe('by machine and dotted state; a state without jobs is left out'),
  }),
);

export const history = name(
  'History',
  z.strictObject({
    entries: z.array(entry),
    next: z.int().describe('give it as `after` for the next page').optional(),
  }),
);

const event = name('Event', z.strictObject({ name: z.string(), data: json.nullish() }));

export const events = name('Events', z.union([event, z.strictObject({ events: z.array(event) })]));

export const sent = name('Sent', z.strictObject({ job, entries: z.array(entry) }));

export const callback = name('Callback', z.record(z.string(), z.unknown()));

export const called = name(
  'Called',
  z.union([
    z.strictObject({ applied: z.literal(true), job, entries: z.array(entry) }),
    z.strictObject({ applied: z.literal(false), code: z.string(), from: z.string() }),
  ]),
);

export const cancelled = name('Cancelled', z.strictObject({ cancelled: z.literal(true) }));
const reason = z.string().max(2_000);
export const cancel = name('Cancel', z.strictObject({ reason: reason.optional() }));

export const reset = name(
  'Reset',
  z.strictObject({
    reason,
    data: json.nullish(),
    keepArchive: z.boolean().optional(),
  }),
);
export const resetDone = name('ResetJob', z.strictObject({ job }));

export const deleted = name(
  'Deleted',
  z.strictObject({ deleted: z.literal(true), linksRemoved: z.int() }),
);

export const tokenLimits = name(
  'TokenLimits',
  z.strictObject({
    events: z.array(z.string()).max(1_000).optional().describe('only these events'),
    ttl: z.int().min(1).optional().describe('seconds'),
    once: z.boolean().optional().describe('good for one accepted request'),
    reason: reason.optional(),
  }),
);
export const token = name('Token', z.strictObject({ token: z.string(), expiresAt: instant }));
export const revoked = name('Revoked', z.strictObject({ generation: z.int() }));

export const pipelineInput = name(
  'PipelineInput',
  z.strictObject({
    name: text.optional(),
    description: z.string().max(10_000).optional(),
    metadata: json.optional(),
  }),
);
export const pipeline = name(
  'Pipeline',
  z.strictObject({
    id: z.string(),
    name: z.string(),
    description: z.string(),
    metadata: json,
    createdAt: instant,
    updatedAt: instant,
  }),
);
export const pipelines = name('Pipelines', z.strictObject({ pipelines: z.array(pipeline) }));
export const document = name('Document', z.record(z.string(), z.unknown()));

const machineState = z.strictObject({
  name: z.string(),
  type: z.string(),
  events: z.array(z.string()),
});
export const machine = name(
  'Machine',
  z.strictObject({
    name: z.string(),
    version: z.string(),
    description: z.string().optional(),
    pipeline: z.enum(['required', 'optional']),
    initial: z.string(),
    states: z.array(machineState),
    events: z.array(
      z.strictObject({ name: z.string(), who: z.array(actorKind), schema: json.optional() }),
    ),
    input: json.optional(),
    mermaid: z.string(),
  }),
);
export const machines = name('Machines', z.strictObject({ machines: z.array(machine) }));

export const auditRecord = name(
  'AuditRecord',
  z.strictObject({
    at: instant,
    action: z.string(),
    outcome: z.enum(['refused', 'done']),
    jobId: z.string().nullable(),
    actor: actor.nullable(),
    tokenId: z.string().nullable(),
    code: z.string().nullable(),
    reason: z.string().nullable(),
    requestId: z.string().nullable(),
    suppressed: z.int().optional().describe('so many more were not written, to stay bounded'),
  }),
);
export const audit = name('Audit', z.strictObject({ records: z.array(auditRecord) }));

export const health = name(
  'Health',
  z.strictObject({
    status: z.enum(['ok', 'stopping', 'unavailable']),
    reason: z.string().optional(),
  }),
);

/** Query parameters: texts, so numbers are read from them. */
const whole = z
  .string()
  .regex(/^\d{1,15}$/, 'a whole number')
  .transform(Number);
const filterShape = {
  state: text.optional().describe('any active state of the job'),
  type: text.optional(),
  pipeline: text.optional(),
  tag: text.optional(),
  q: text.optional().describe('an id, pipeline, session, agent, task or tag, in full'),
};
export const listQuery = z.strictObject({
  ...filterShape,
  limit: whole.optional(),
  cursor: text.optional(),
  sort: z.enum(['-createdAt', 'createdAt']).optional(),
});
export const countQuery = z.strictObject({ type: text.optional() });
export const streamQuery = z.strictObject({
  ...filterShape,
  lastEventId: z.string().max(2_048).optional(),
});
export const historyQuery = z.strictObject({
  after: whole.optional(),
  limit: whole.optional(),
});
export const limitQuery = z.strictObject({ limit: whole.optional() });
export const reasonQuery = z.strictObject({ reason: reason.optional() });
export const callbackQuery = z.looseObject({
  uuid: z.string().optional(),
  token: z.string().optional(),
  name: z.string().optional(),
  event: z.string().optional(),
  status: z.string().optional(),
});
