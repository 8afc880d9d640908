import { z } from 'zod';
import { maxJobsToGet } from '../jobs/getJobs.ts';
import { stoppedOptions } from '../records/findOrCreate.ts';
import { job, named } from './schemas.ts';

/** The shapes of calls on many jobs at once; see schemas.ts. */
const name = <Schema extends z.ZodType>(id: string, schema: Schema): Schema => {
  named.add(schema, { id });
  return schema;
};

export const getJobs = name(
  'GetJobs',
  z.strictObject({
    ids: z.array(z.string().max(200)).max(maxJobsToGet, `at most ${maxJobsToGet} in one call`),
    missingOk: z.boolean().optional().describe('null in the place of a job that is not there'),
  }),
);
export const gotJobs = name(
  'GotJobs',
  z.strictObject({ jobs: z.array(job.nullable()).describe('in the order of the ids') }),
);

/** How many set-ups one call may give. */
const maxSetups = 500;

export const setupMany = name(
  'SetupMany',
  z.strictObject({
    type: z.string().max(200).default('pipelineJob'),
    jobs: z
      .array(z.record(z.string(), z.unknown()))
      .max(maxSetups, `at most ${maxSetups} in one call`)
      .describe('each a Setup without its type'),
    findExisting: z
      .boolean()
      .optional()
      .describe('false sets up new jobs, however many alike there are'),
    stopped: z
      .enum(stoppedOptions)
      .optional()
      .describe('what is done with a match that is cancelled, deleted or invalid; default keep'),
  }),
);

const place = { index: z.int().describe('place in the call, from 0') };

export const setupOutcomes = name(
  'SetupOutcomes',
  z.strictObject({
    outcomes: z.array(
      z.discriminatedUnion('outcome', [
        z.strictObject({
          ...place,
          outcome: z.enum(['created', 'existing']),
          id: z.string(),
          state: z.string(),
          version: z.int(),
          stopped: z.enum(['kept', 'restored']).optional().describe('of a match found stopped'),
        }),
        z.strictObject({
          ...place,
          outcome: z.literal('refused'),
          code: z.string().describe('see docs/errors.md'),
          message: z.string(),
        }),
      ]),
    ),
  }),
);
