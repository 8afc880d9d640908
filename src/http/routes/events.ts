import { takeEvent } from '../../jobs/parseEvent.ts';
import { viewEntry } from '../../jobs/jobView.ts';
import type { Answer as Sent } from '../../jobs/request.ts';
import { sendEvents } from '../../jobs/sendEvents.ts';
import type { Engine } from '../../jobs/engine.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { wireJob } from '../wire.ts';

const send = defineRoute({
  method: 'POST',
  path: '/v1/jobs/{id}/events',
  access: 'job.send',
  summary: 'Send an event, or a chain that is accepted whole or refused whole',
  headers: ['Idempotency-Key', 'If-Match'],
  body: schemas.events,
  answers: { 200: schemas.sent },
  refusals: {
    404: 'JOB_NOT_FOUND',
    409: 'INVALID_TRANSITION',
    412: 'VERSION_MISMATCH',
    422: 'UNKNOWN_EVENT, IDEMPOTENCY_CONFLICT',
  },
  async handle({ engine, principal, body, key, ifVersion, params: { id = '' } }) {
    const events = 'events' in body ? body.events : [body];
    const sent = await sendEvents(engine, id, {
      principal,
      demand: {
        kind: 'events',
        events: events.map((event) => takeEvent(event, engine.jsonLimits)),
      },
      ...(key !== undefined && { key }),
      ...(ifVersion !== undefined && { ifVersion }),
    });
    return { body: viewSent(engine, sent), headers: { ETag: `"${sent.job.seq}"` } };
  },
});

/** What was accepted, and the job right after it. */
export const viewSent = (engine: Engine, { job, entries }: Sent) => ({
  job: wireJob(engine, job),
  entries: entries.map(viewEntry),
});

export const eventRoutes: readonly Route[] = [send];
