import { callbackUrlOf, jobTokenOf } from '../../jobs/jobToken.ts';
import { listJobs } from '../../jobs/listJobs.ts';
import { loadLiving } from '../../jobs/loadJob.ts';
import { readCounts } from '../../jobs/readCounts.ts';
import { readHistory } from '../../jobs/readHistory.ts';
import { setupJob } from '../../jobs/setupJob.ts';
import { authorise } from '../../auth/authorise.ts';
import { defineRoute, JsonText, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { jobJson, toWire, wireJob } from '../wire.ts';

const create = defineRoute({
  method: 'POST',
  path: '/v1/jobs',
  access: 'job.create',
  summary: 'Create a job, or attach to the one with this machine, pipeline, parents and data',
  headers: ['Idempotency-Key'],
  body: schemas.setup,
  answers: { 201: schemas.created, 200: schemas.created },
  refusals: { 404: 'PIPELINE_NOT_FOUND, PARENT_NOT_FOUND, UNKNOWN_MACHINE' },
  async handle({ engine, principal, body, key }) {
    const { type, ...input } = body;
    const { job, created } = await setupJob(engine, principal, type, input, key);
    const token = jobTokenOf(engine, job);
    return {
      status: created ? 201 : 200,
      body: { job: wireJob(engine, job), token, callbackUrl: callbackUrlOf(engine, job.id, token) },
      headers: { Location: `/v1/jobs/${encodeURIComponent(job.id)}`, ETag: `"${job.seq}"` },
    };
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/v1/jobs',
  access: 'job.list',
  summary: 'Jobs, newest first; may lag behind by well under a second',
  query: schemas.listQuery,
  answers: { 200: schemas.jobs },
  async handle({ engine, query }) {
    const { limit, cursor, sort, ...filter } = query;
    const { jobs, next } = await listJobs(engine, filter, { limit, cursor, sort });
    return {
      body: { jobs: jobs.map(toWire), ...(next !== undefined && { next }) },
      headers: next === undefined ? {} : { Link: nextLink('/v1/jobs', { ...query, cursor: next }) },
    };
  },
});

const counts = defineRoute({
  method: 'GET',
  path: '/v1/counts',
  access: 'job.list',
  summary: 'How many jobs of each machine are in each state; exact, and as far behind as the list',
  query: schemas.countQuery,
  answers: { 200: schemas.counts },
  async handle({ engine, query }) {
    return { body: { counts: await readCounts(engine, query) } };
  },
});

const read = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{id}',
  access: 'job.read',
  summary: 'A job, with the events that it allows now; its ETag is its version',
  answers: { 200: schemas.job },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, principal, params: { id = '' } }) {
    const job = await loadLiving(engine, id);
    authorise(principal, 'job.read', { jobId: id, generation: job.generation });
    return { body: new JsonText(jobJson(engine, job)), headers: { ETag: `"${job.seq}"` } };
  },
});

const history = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{id}/history',
  access: 'job.read',
  summary: "A page of a job's history, oldest first",
  query: schemas.historyQuery,
  answers: { 200: schemas.history },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, principal, query, params: { id = '' } }) {
    const job = await loadLiving(engine, id);
    authorise(principal, 'job.read', { jobId: id, generation: job.generation });
    const page = await readHistory(engine, job, query);
    const path = `/v1/jobs/${encodeURIComponent(id)}/history`;
    return {
      body: page,
      headers:
        page.next === undefined ? {} : { Link: nextLink(path, { ...query, after: page.next }) },
    };
  },
});

export const jobRoutes: readonly Route[] = [create, list, counts, read, history];

function nextLink(path: string, query: Readonly<Record<string, string | number | undefined>>) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return `<${path}?${search.toString()}>; rel="next"`;
}
