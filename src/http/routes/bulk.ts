import { planBulk } from '../../bulk/planBulk.ts';
import { allOutcomes, hasEnded, listRuns, readOutcomes, viewRun } from '../../bulk/readRun.ts';
import { runBulk } from '../../bulk/runBulk.ts';
import { loadRun } from '../../bulk/runLog.ts';
import { stopRun } from '../../bulk/stopRun.ts';
import type { Engine } from '../../jobs/engine.ts';
import * as schemas from '../bulkSchemas.ts';
import { standingHeaders } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';

const bodyBytes = 64 * 1024 * 1024;
const lines = 'application/x-ndjson';

const run = defineRoute({
  method: 'POST',
  path: '/v1/bulk',
  access: 'bulk.run',
  summary: 'Do one operation to many jobs, by their ids or by a filter; or tell what it would do',
  headers: ['Idempotency-Key'],
  body: schemas.bulk,
  bodyBytes,
  answers: { 200: schemas.bulkAnswer, 202: schemas.bulkAccepted },
  refusals: {
    409: 'PLAN_REQUIRED for a filter, and for more than 1,000 ids or relatives; PLAN_REFUSED',
    422: 'UNKNOWN_EVENT',
  },
  async handle({ engine, principal, body, key }) {
    const { dryRun = false, wait, ids, ...rest } = body;
    // What is no text has an outcome of its own.
    const request = { ...rest, ids: ids as readonly string[] | undefined };
    if (dryRun) return { body: await planBulk(engine, principal, request) };
    const answer = await runBulk(engine, principal, request, { wait, key });
    if (!hasEnded(answer)) return { status: 202, body: answer, headers: locationOf(answer.run) };
    const isTold = answer.outcomes !== undefined;
    return {
      body: isTold ? answer : { ...answer, next: `${pathOf(answer.run)}/outcomes` },
      headers: locationOf(answer.run),
    };
  },
});

const pathOf = (id: string | null): string => `/v1/bulk/${encodeURIComponent(id ?? '')}`;
const locationOf = (id: string | null) => (id === null ? {} : { Location: pathOf(id) });

const list = defineRoute({
  method: 'GET',
  path: '/v1/bulk',
  access: 'job.list',
  summary: 'Runs of operations on many jobs, the newest first',
  query: schemas.bulkListQuery,
  answers: { 200: schemas.bulkRuns },
  async handle({ engine, query }) {
    return { body: await listRuns(engine, query) };
  },
});

const read = defineRoute({
  method: 'GET',
  path: '/v1/bulk/{id}',
  access: 'job.list',
  summary: 'How far a run is, and what came of it so far',
  answers: { 200: schemas.bulkRun },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, params: { id = '' } }) {
    return { body: viewRun(await loadRun(engine, id)) };
  },
});

const outcomes = defineRoute({
  method: 'GET',
  path: '/v1/bulk/{id}/outcomes',
  access: 'job.list',
  summary: `What became of each target, page by page; all as lines where ${lines} is accepted`,
  query: schemas.bulkOutcomesQuery,
  answers: { 200: schemas.bulkOutcomes },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, params: { id = '' }, query: { after, limit }, headers }) {
    if (headers.get('accept')?.includes(lines)) {
      await loadRun(engine, id);
      return new Response(linesOf(engine, id), {
        headers: { ...standingHeaders, 'Content-Type': lines },
      });
    }
    const page = {
      ...(after !== undefined && { after }),
      ...(limit !== undefined && { limit }),
    };
    return { body: await readOutcomes(engine, id, page) };
  },
});

/** As its reader asks for them: a chunk at a time stands in memory. */
function linesOf(engine: Engine, id: string): ReadableStream<Uint8Array> {
  const all = allOutcomes(engine, id);
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      let text = '';
      for (let left = 1_000; left > 0; left -= 1) {
        const { done, value } = await all.next();
        if (done) break;
        text += `${JSON.stringify(value)}\n`;
      }
      if (text === '') controller.close();
      else controller.enqueue(encoder.encode(text));
    },
    async cancel() {
      await all.return();
    },
  });
}

const stop = defineRoute({
  method: 'POST',
  path: '/v1/bulk/{id}/stop',
  access: 'bulk.run',
  summary: 'End a run between two of its chunks; what is done stays done',
  body: schemas.bulkStop,
  answers: { 200: schemas.bulkRun },
  refusals: { 404: 'JOB_NOT_FOUND', 409: 'INVALID_TRANSITION' },
  async handle({ engine, principal, body, params: { id = '' } }) {
    return { body: await stopRun(engine, principal, id, body) };
  },
});

export const bulkRoutes: readonly Route[] = [run, list, read, outcomes, stop];
