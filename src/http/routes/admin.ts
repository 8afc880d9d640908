import { issueJobToken } from '../../jobs/jobToken.ts';
import { loadLiving } from '../../jobs/loadJob.ts';
import { cancelJob, deleteJob } from '../../jobs/removeJob.ts';
import { checkReason, resetJob } from '../../jobs/resetJob.ts';
import { revokeTokens } from '../../jobs/revokeTokens.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { wireJob } from '../wire.ts';

const cancel = defineRoute({
  method: 'POST',
  path: '/v1/jobs/{id}/cancel',
  access: 'job.cancel',
  summary: 'Remove a job that nothing has happened to since its creation',
  headers: ['Idempotency-Key', 'If-Match'],
  body: schemas.cancel,
  answers: { 200: schemas.cancelled },
  refusals: { 404: 'JOB_NOT_FOUND', 409: 'CANCEL_TOO_LATE', 412: 'VERSION_MISMATCH' },
  async handle({ engine, principal, body, key, ifVersion, params: { id = '' } }) {
    await cancelJob(engine, principal, id, { ...body, key, ifVersion });
    return { body: { cancelled: true } };
  },
});

const reset = defineRoute({
  method: 'POST',
  path: '/v1/jobs/{id}/reset',
  access: 'job.reset',
  summary: 'Clean a job for another run: reset, empty its archive directory, ready',
  headers: ['Idempotency-Key', 'If-Match'],
  body: schemas.reset,
  answers: { 200: schemas.resetDone },
  refusals: {
    404: 'JOB_NOT_FOUND',
    409: 'INVALID_TRANSITION; EFFECT_FAILED where the archive could not be emptied',
    412: 'VERSION_MISMATCH',
  },
  async handle({ engine, principal, body, key, ifVersion, params: { id = '' } }) {
    const job = await resetJob(engine, principal, id, { ...body, key, ifVersion });
    return { body: { job: wireJob(engine, job) }, headers: { ETag: `"${job.seq}"` } };
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/jobs/{id}',
  access: 'job.delete',
  summary: 'Delete a job for good, and clean the links to it; its archive files stay',
  headers: ['Idempotency-Key', 'If-Match'],
  query: schemas.reasonQuery,
  answers: { 200: schemas.deleted },
  refusals: { 404: 'JOB_NOT_FOUND', 412: 'VERSION_MISMATCH' },
  async handle({ engine, principal, query, key, ifVersion, params: { id = '' } }) {
    const reason = checkReason(query.reason);
    const linksRemoved = await deleteJob(engine, principal, id, { reason, key, ifVersion });
    return { body: { deleted: true, linksRemoved } };
  },
});

const issueToken = defineRoute({
  method: 'POST',
  path: '/v1/jobs/{id}/tokens',
  access: 'token.issue',
  summary: 'Make a token for this job, limited to some events, to one use, or in time',
  body: schemas.tokenLimits,
  answers: { 201: schemas.token },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ service, engine, principal, body, requestId, params: { id = '' } }) {
    const { reason = null, ...limits } = body;
    const issued = issueJobToken(engine, principal, await loadLiving(engine, id), limits);
    await service.audit.done({ action: 'token.issue', jobId: id, principal, reason, requestId });
    return {
      status: 201,
      body: { token: issued.token, expiresAt: issued.expiresAt.toISOString() },
    };
  },
});

const revoke = defineRoute({
  method: 'DELETE',
  path: '/v1/jobs/{id}/tokens',
  access: 'token.revoke',
  summary: 'End all tokens of a job',
  headers: ['Idempotency-Key', 'If-Match'],
  query: schemas.reasonQuery,
  answers: { 200: schemas.revoked },
  refusals: { 404: 'JOB_NOT_FOUND', 412: 'VERSION_MISMATCH' },
  async handle({ engine, principal, query, key, ifVersion, params: { id = '' } }) {
    const job = await revokeTokens(engine, principal, id, { ...query, key, ifVersion });
    return { body: { generation: job.generation } };
  },
});

const audit = defineRoute({
  method: 'GET',
  path: '/v1/audit',
  access: 'audit.read',
  summary: 'Refused administrative attempts and issued tokens, newest first',
  query: schemas.limitQuery,
  answers: { 200: schemas.audit },
  async handle({ service, query }) {
    return { body: { records: await service.audit.list(query.limit) } };
  },
});

export const adminRoutes: readonly Route[] = [cancel, reset, remove, issueToken, revoke, audit];
