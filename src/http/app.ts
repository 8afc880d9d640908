import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { admit } from '../auth/authorise.ts';
import { tracedRequest } from '../telemetry/tracing.ts';
import { admitVisitor } from './admitVisitor.ts';
import { authenticateCallback } from './authenticate.ts';
import { checkHost } from './hosts.ts';
import { heeded, noRoute, paramsOf, parse, queryOf, readUrl } from './parseRequest.ts';
import { pathParameters, routerPath } from './path.ts';
import { readBody } from './readBody.ts';
import { requestIdOf } from './readHeaders.ts';
import { RequestError } from './requestError.ts';
import type { Answer, Route } from './route.ts';
import { uuidOf } from './routes/callbacks.ts';
import { routes } from './routes/index.ts';
import type { Service } from './service.ts';
import { refuse, tellAnswer } from './tellAnswer.ts';
import { hangUpOf, type Connection, type HttpContext, type Visit } from './visit.ts';

/**
 * The service as a function from Request to Response. Every answer passes here: who asks is proved and
 * admitted before anything else is read, and whatever goes wrong is told as a problem.
 */
export function createApp(service: Service): Hono<{ Bindings: Connection }> {
  const app = new Hono<{ Bindings: Connection }>();
  let inFlight = 0;

  const answer = async (context: HttpContext, route: Route | undefined): Promise<Response> => {
    const headers = context.req.raw.headers;
    const visit: Visit = {
      route,
      requestId: requestIdOf(headers, randomUUID),
      started: performance.now(),
    };
    inFlight += 1;
    const isTooMuch = inFlight > service.engine.limits.requests && route?.access !== 'anyone';
    try {
      return await tracedRequest(
        headers,
        nameOf(context, route),
        attributesOf(visit),
        async (note) => {
          const response = await respond(service, context, visit, isTooMuch);
          // Nobody will read it, and a stream would stay open.
          if (context.req.raw.method === 'HEAD') await response.body?.cancel();
          note(outcomeOf(response));
          return response;
        },
      );
    } finally {
      inFlight -= 1;
    }
  };

  const literal = routes.filter(({ path }) => pathParameters(path).length === 0);
  const open = (route: Route): unknown =>
    app.on(route.method, routerPath(route.path), (context) => answer(context, route));
  literal.forEach(open);
  // A word that stands in a path of its own is no parameter of another one, whatever the method.
  for (const path of new Set(literal.map((route) => route.path))) {
    app.all(path, (context) => answer(context, undefined));
  }
  routes.filter((route) => !literal.includes(route)).forEach(open);
  app.notFound((context) => answer(context, undefined));
  return app;
}

async function respond(
  service: Service,
  context: HttpContext,
  visit: Visit,
  isTooMuch: boolean,
): Promise<Response> {
  try {
    if (isTooMuch) throw overloaded();
    return tellAnswer(service, context, visit, await handle(service, context, visit));
  } catch (error) {
    return tellAnswer(service, context, visit, refuse(service, visit, error));
  }
}

async function handle(
  service: Service,
  context: HttpContext,
  visit: Visit,
): Promise<Answer | Response> {
  const { engine } = service;
  const { raw } = context.req;
  const { route, requestId } = visit;
  const url = readUrl(raw);
  checkHost(url, service.hosts);
  if (!route) throw noRoute(raw.method, context.req.path);
  const params = paramsOf(context);
  const hangUp = hangUpOf(context);
  const common = { service, engine, params, headers: raw.headers, requestId, hangUp };
  const limit = Math.max(engine.limits.body, route.bodyBytes ?? 0);
  if (route.takesTokenAnywhere) {
    // Here alone the body is read before its sender is known: the token may stand in it.
    const given = await readBody(raw, { limit, allowsFormType: true });
    const principal = authenticateCallback(engine, raw.headers, url.searchParams, given);
    visit.principal = principal;
    const query = parse('query', route.query, queryOf(url));
    const body = parse('body', route.body, given);
    visit.jobId = params['id'] ?? uuidOf({ query, body } as Parameters<typeof uuidOf>[0]);
    admit(principal, 'job.send', { jobId: visit.jobId });
    return route.handle({ ...common, ...heeded(route, raw.headers), principal, query, body });
  }
  if (params['id'] !== undefined && route.path.startsWith('/v1/jobs/')) visit.jobId = params['id'];
  const principal = admitVisitor(service, context, route, visit);
  const query = parse('query', route.query, queryOf(url));
  const body = route.body && parse('body', route.body, await readBody(raw, { limit }));
  return route.handle({ ...common, ...heeded(route, raw.headers), principal, query, body });
}

const nameOf = ({ req }: HttpContext, route: Route | undefined): string =>
  `${route ? req.method : 'HTTP'} ${route?.path ?? 'unknown'}`;

const attributesOf = ({ route, requestId }: Visit) => ({
  'http.route': route?.path ?? 'unknown',
  'jobwright.request': requestId,
});

const outcomeOf = ({ status }: Response) => ({
  'http.response.status_code': status,
  ...(status >= 500 && { 'error.type': String(status) }),
});

const overloaded = (): RequestError =>
  new RequestError(
    'OVERLOADED',
    'More requests are being worked on than this process takes at once',
  );
