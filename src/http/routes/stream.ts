import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';

const stream = defineRoute({
  method: 'GET',
  path: '/v1/stream',
  access: 'stream.read',
  summary: 'Entries as they are accepted, by whichever process, as server-sent events',
  query: schemas.streamQuery,
  headers: ['Last-Event-ID'],
  answers: { 200: 'text/event-stream' },
  refusals: { 429: 'TOO_MANY_STREAMS' },
  handle({ service, principal, query, headers, hangUp }) {
    const { lastEventId, ...filter } = query;
    // The header is what a client sends that comes again by itself, so it is the newer one.
    const after = headers.get('last-event-id') ?? lastEventId;
    const place = after === '' ? undefined : after;
    return service.streams.open({ principal, filter, after: place, hangUp });
  },
});

export const streamRoutes: readonly Route[] = [stream];
