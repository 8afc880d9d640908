import { getJobs } from '../../jobs/getJobs.ts';
import type { LiveJob } from '../../jobs/liveJob.ts';
import { setupMany, type SetupOutcome } from '../../jobs/setupMany.ts';
import * as schemas from '../manyJobsSchemas.ts';
import { defineRoute, JsonText, type Route } from '../route.ts';
import { jobJson } from '../wire.ts';

const get = defineRoute({
  method: 'POST',
  path: '/v1/jobs/get',
  access: 'job.list',
  summary: 'Many jobs by their ids, in that order, each as it is now',
  body: schemas.getJobs,
  answers: { 200: schemas.gotJobs },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, body: { ids, ...options } }) {
    const jobs = await getJobs(engine, ids, options);
    const texts = jobs.map((job) => (job ? jobJson(engine, job) : 'null'));
    return { body: new JsonText(`{"jobs":[${texts.join(',')}]}`) };
  },
});

/** Far more than the set-ups of small computations need; each one's data has the usual limit. */
const bodyBytes = 16 * 1024 * 1024;

const setup = defineRoute({
  method: 'POST',
  path: '/v1/jobs/many',
  access: 'job.create',
  summary: 'Set up many jobs of one machine; what is wrong with one keeps no other',
  headers: ['Idempotency-Key'],
  body: schemas.setupMany,
  bodyBytes,
  answers: { 200: schemas.setupOutcomes },
  refusals: { 404: 'UNKNOWN_MACHINE' },
  async handle({ engine, principal, body, key }) {
    // Of an unknown machine there is nothing to tell one by one.
    engine.registry.get(body.type);
    const { type, jobs, ...options } = body;
    const outcomes = await setupMany(engine, principal, type, jobs, { ...options, key });
    return { body: { outcomes: outcomes.map(tell) } };
  },
});

function tell({ index, outcome, ...rest }: SetupOutcome<LiveJob>) {
  if ('error' in rest) {
    const { code, message } = rest.error;
    return { index, outcome, code, message };
  }
  const { job, ...stopped } = rest;
  const { id, state, seq: version } = job;
  return { index, outcome, id, state, version, ...stopped };
}

export const manyJobsRoutes: readonly Route[] = [get, setup];
