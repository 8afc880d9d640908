import type { Progress, ReportOutcome, Result } from '../../records/workerProtocol.ts';
import { whyWaiting } from '../../records/whyWaiting.ts';
import { createWorkers } from '../../records/workers.ts';
import { defineRoute, type Answer, type Route } from '../route.ts';
import * as schemas from '../workerSchemas.ts';

/** Of a call with results: outputs are large, and many come at once. */
const resultBytes = 16 * 1024 * 1024;

const inactive = { 404: 'WORKER_NOT_FOUND', 409: 'WORKER_INACTIVE' } as const;

const activate = defineRoute({
  method: 'POST',
  path: '/v1/workers',
  access: 'worker.act',
  summary: 'Activate a worker under a name of its own, which its token speaks for from then on',
  body: schemas.activation,
  answers: { 201: schemas.worker },
  refusals: { 409: 'WORKER_EXISTS' },
  async handle({ engine, principal, body }) {
    const worker = await createWorkers(engine, principal).activate(body);
    const headers = { Location: `/v1/workers/${encodeURIComponent(worker.name)}` };
    return { status: 201, body: worker, headers };
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/v1/workers',
  access: 'worker.read',
  summary: 'Workers by name, those that have ended too',
  query: schemas.workerQuery,
  answers: { 200: schemas.workers },
  async handle({ engine, principal, query }) {
    return { body: await createWorkers(engine, principal).list(query) };
  },
});

const read = defineRoute({
  method: 'GET',
  path: '/v1/workers/{name}',
  access: 'worker.read',
  summary: 'A worker, and what came of its claims',
  answers: { 200: schemas.worker },
  refusals: { 404: 'WORKER_NOT_FOUND' },
  async handle({ engine, principal, params: { name = '' } }) {
    return { body: await createWorkers(engine, principal).get(name) };
  },
});

const heartbeat = defineRoute({
  method: 'POST',
  path: '/v1/workers/{name}/heartbeat',
  access: 'worker.act',
  summary: 'Say that it lives and what it works on; the answer tells what to drop',
  body: schemas.heartbeat,
  answers: { 200: schemas.heartbeatAnswer },
  refusals: inactive,
  async handle({ engine, principal, body, params: { name = '' } }) {
    return { body: await createWorkers(engine, principal).heartbeat(name, body) };
  },
});

const claim = defineRoute({
  method: 'POST',
  path: '/v1/workers/{name}/claim',
  access: 'worker.act',
  summary: 'Take jobs: by the order of the tags, then priority, then age',
  body: schemas.claimRequest,
  answers: { 200: schemas.claimedJobs },
  refusals: inactive,
  async handle({ engine, principal, body, params: { name = '' } }) {
    return { body: { jobs: await createWorkers(engine, principal).claim(name, body) } };
  },
});

const progress = defineRoute({
  method: 'POST',
  path: '/v1/workers/{name}/progress',
  access: 'worker.act',
  summary: 'Tell how far jobs are; what is wrong with one report keeps no other',
  body: schemas.progressReports,
  answers: { 200: schemas.outcomes },
  refusals: inactive,
  async handle({ engine, principal, body, params: { name = '' } }) {
    // Each is checked where it is taken in, so that a malformed one is refused by itself.
    const reports = body.reports as readonly Progress[];
    return told(await createWorkers(engine, principal).progress(name, reports));
  },
});

const report = defineRoute({
  method: 'POST',
  path: '/v1/workers/{name}/results',
  access: 'worker.act',
  summary: 'Report what became of jobs; what is wrong with one result keeps no other',
  body: schemas.results,
  bodyBytes: resultBytes,
  answers: { 200: schemas.outcomes },
  refusals: inactive,
  async handle({ engine, principal, body, params: { name = '' } }) {
    // As with progress.
    const results = body.results as readonly Result[];
    return told(await createWorkers(engine, principal).report(name, results));
  },
});

const deactivate = defineRoute({
  method: 'DELETE',
  path: '/v1/workers/{name}',
  access: 'worker.act',
  summary: 'End a worker for good; what it has is waiting again at once',
  answers: { 200: schemas.worker },
  refusals: inactive,
  async handle({ engine, principal, params: { name = '' } }) {
    return { body: await createWorkers(engine, principal).deactivate(name) };
  },
});

const why = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{id}/why',
  access: 'job.read',
  summary: 'Why no worker works on a job',
  answers: { 200: schemas.why },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, principal, params: { id = '' } }) {
    return { body: await whyWaiting(engine, principal, id) };
  },
});

export const workerRoutes: readonly Route[] = [
  activate,
  list,
  read,
  heartbeat,
  claim,
  progress,
  report,
  deactivate,
  why,
];

function told(outcomes: readonly ReportOutcome[]): Answer {
  const accepted = outcomes.filter(({ outcome }) => outcome === 'accepted').length;
  return { body: { outcomes, accepted, rejected: outcomes.length - accepted } };
}
