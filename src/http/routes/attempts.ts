import { authorise } from '../../auth/authorise.ts';
import { OutputNotFound } from '../../errors.ts';
import { loadLiving } from '../../jobs/loadJob.ts';
import { readAttempts, readOutput } from '../../records/attempts.ts';
import { outputNames, type OutputName } from '../../records/outputs.ts';
import * as schemas from '../attemptSchemas.ts';
import { standingHeaders } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';

const list = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{id}/attempts',
  access: 'job.read',
  summary: "A job's attempts that ended, oldest first: who tried, what became of it, what it left",
  answers: { 200: schemas.attempts },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, principal, params: { id = '' } }) {
    const job = await loadLiving(engine, id);
    authorise(principal, 'job.read', { jobId: id, generation: job.generation });
    return { body: { attempts: await readAttempts(engine, job) } };
  },
});

const mediaTypes: Readonly<Record<OutputName, string>> = {
  result: 'application/json',
  stdout: 'text/plain; charset=utf-8',
  stderr: 'text/plain; charset=utf-8',
};

const outputs = outputNames.map((name) =>
  defineRoute({
    method: 'GET',
    path: `/v1/jobs/{id}/attempts/{attempt}/${name}`,
    access: 'job.read',
    summary: `The ${name} that an attempt left; its number, or \`latest\` for the newest`,
    answers: { 200: name === 'result' ? 'application/json' : 'text/plain' },
    refusals: { 404: 'JOB_NOT_FOUND, OUTPUT_NOT_FOUND' },
    async handle({ engine, principal, params: { id = '', attempt = '' } }) {
      const job = await loadLiving(engine, id);
      authorise(principal, 'job.read', { jobId: id, generation: job.generation });
      const content = await readOutput(engine, job, { attempt: numberOf(id, attempt), name });
      const headers = { ...standingHeaders, 'Content-Type': mediaTypes[name] };
      return new Response(new Uint8Array(content), { headers });
    },
  }),
);

function numberOf(job: string, text: string): number | 'latest' {
  if (text === 'latest') return text;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new OutputNotFound(job, 'an attempt is named by its number, or latest');
}

export const attemptRoutes: readonly Route[] = [list, ...outputs];
