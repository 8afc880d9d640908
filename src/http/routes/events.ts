import { takeEvent } from '../../jobs/parseEvent.ts';
import type { Answer as Sent } from '../../jobs/request.ts';
import { sendEvents } from '../../jobs/sendEvents.ts';
import type { Engine } from '../../jobs/engine.ts';
import { defineRoute, JsonText, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { entryJson, jobJson } from '../wire.ts';

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
    return {
      body: new JsonText(`{${sentJson(engine, sent)}}`),
      headers: { ETag: `"${sent.job.seq}"` },
    };
  },
});

/** The members `job` and `entries` of an answer: what was accepted, and the job right after it. */
export const sentJson = (engine: Engine, { job, entries }: Sent): string =>
  `"job":${jobJson(engine, job)},"entries":[${entries.map(entryJson).join(',')}]`;

export const eventRoutes: readonly Route[] = [send];
