import { expect } from 'vitest';
import { z } from 'zod';
import { openApiOf } from '../../src/http/openApi.ts';
import { matchesPath } from '../../src/http/path.ts';
import type { Route } from '../../src/http/route.ts';
import { routes } from '../../src/http/routes/index.ts';
import * as schemas from '../../src/http/schemas.ts';

/** What came back, its body parsed where it is JSON. */
export interface GivenAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

type Operations = Record<string, Record<string, { responses: Record<string, unknown> }>>;
const { paths } = openApiOf() as { paths: Operations };

/** The row of the route table that a request meets. */
export const routeOf = (method: string, pathname: string): Route | undefined =>
  routes.find(
    (route) =>
      route.method === (method === 'HEAD' ? 'GET' : method) && matchesPath(route.path, pathname),
  );

/** Where a token may stand in an answer: where it is issued. */
const issuing = new Set(['POST /v1/jobs', 'POST /v1/jobs/{id}/tokens']);

/**
 * Holds an answer against what all answers promise, and against what the interface's document says of
 * its route: a success fits the route's schema, anything else is a problem.
 */
export function checkAnswer(method: string, pathname: string, answer: GivenAnswer): void {
  const { status, headers, body, text } = answer;
  const route = routeOf(method, pathname);
  const where = `${method} ${pathname} → ${status} ${text.slice(0, 300)}`;
  expect(headers.get('cache-control'), where).toBe('no-store');
  expect(headers.get('x-content-type-options'), where).toBe('nosniff');
  expect(headers.get('x-request-id'), where).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  if (!route || !issuing.has(`${route.method} ${route.path}`)) {
    expect(text, where).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+/);
  }
  if (route && status !== 405) {
    const declared = Object.keys(paths[route.path]?.[route.method.toLowerCase()]?.responses ?? {});
    expect(declared, where).toContain(String(status));
  }
  if (method === 'HEAD') {
    expect(text, where).toBe('');
    return;
  }
  const schema = route?.answers[status] ?? schemas.problem;
  const type = headers.get('content-type') ?? '';
  if (typeof schema === 'string') {
    expect(type.startsWith(schema), where).toBe(true);
    return;
  }
  const isProblem = schema === schemas.problem;
  expect(type, where).toBe(isProblem ? 'application/problem+json' : 'application/json');
  const parsed = schema.safeParse(body);
  expect(parsed.success ? [] : z.treeifyError(parsed.error), where).toEqual([]);
  if (isProblem) {
    expect(body['status'], where).toBe(status);
    expect(body['code'], where).toMatch(/^[A-Z][A-Z_]+$/);
    expect(JSON.stringify(body).length, where).toBeLessThan(16_384);
  }
  if (status === 401) expect(headers.get('www-authenticate'), where).toMatch(/^Bearer /);
  if (status === 503 && isProblem) expect(headers.get('retry-after'), where).toMatch(/^\d+$/);
}
