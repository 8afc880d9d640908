import { standingHeaders } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';

const live = defineRoute({
  method: 'GET',
  path: '/health/live',
  access: 'anyone',
  summary: 'Whether the process runs',
  answers: { 200: schemas.health },
  handle: () => ({ body: { status: 'ok' } }),
});

const ready = defineRoute({
  method: 'GET',
  path: '/health/ready',
  access: 'anyone',
  summary: 'Whether it takes requests: the store answers and it is not stopping',
  answers: { 200: schemas.health, 503: schemas.health },
  async handle({ service }) {
    const health = await service.readiness();
    return { status: health.status === 'ok' ? 200 : 503, body: health };
  },
});

const metrics = defineRoute({
  method: 'GET',
  path: '/metrics',
  access: { elsewhere: 'metrics.read' },
  summary: 'Figures for Prometheus',
  answers: { 200: 'text/plain' },
  async handle({ service }) {
    const { contentType } = service.metrics;
    return new Response(await service.metrics.text(), {
      headers: { ...standingHeaders, 'Content-Type': contentType },
    });
  },
});

const openapi = defineRoute({
  method: 'GET',
  path: '/openapi.json',
  access: { elsewhere: 'registry.read' },
  summary: 'This interface as OpenAPI 3.1',
  answers: { 200: 'application/json' },
  handle: ({ service }) => ({ body: service.openApi() }),
});

export const operationRoutes: readonly Route[] = [live, ready, metrics, openapi];
