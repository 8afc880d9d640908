import { randomUUID } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { admit, type Action, type Principal } from '../auth/authorise.ts';
import { InvalidData, JobError } from '../errors.ts';
import { issuesOf } from '../jobs/parseEvent.ts';
import { tracedRequest } from '../telemetry/tracing.ts';
import { authenticate, authenticateCallback } from './authenticate.ts';
import { checkHost, isLoopback } from './hosts.ts';
import { matchesPath, routerPath } from './path.ts';
import { problemAnswer, problemOf, standingHeaders } from './problem.ts';
import { readBody } from './readBody.ts';
import { readIfMatch, readKey, requestIdOf } from './readHeaders.ts';
import { RequestError } from './requestError.ts';
import { JsonText, type Answer, type Call, type Route } from './route.ts';
import { uuidOf } from './routes/callbacks.ts';
import { routes } from './routes/index.ts';
import type { Service } from './service.ts';

/** What the Node server tells of a connection; nothing where the app is called without one. */
export interface Connection {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } };
  readonly outgoing?: { destroy(): unknown };
}

type HttpContext = Context<{ Bindings: Connection }>;

/** What is known of a request while it is worked on, for the log and the audit. */
interface Visit {
  readonly route: Route | undefined;
  readonly requestId: string;
  readonly started: number;
  principal?: Principal;
  jobId?: string;
}

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

  for (const route of routes) {
    app.on(route.method, routerPath(route.path), (context) => answer(context, route));
  }
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
    return tell(service, context, visit, await handle(service, context, visit));
  } catch (error) {
    return tell(service, context, visit, refuse(service, visit, error));
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
  const limit = engine.limits.body;
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
  const principal = principalFor(service, context, route, visit);
  const query = parse('query', route.query, queryOf(url));
  const body = route.body && parse('body', route.body, await readBody(raw, { limit }));
  return route.handle({ ...common, ...heeded(route, raw.headers), principal, query, body });
}

/** The server lets hosts through that are none, such as `127..0.1`. */
function readUrl({ url }: Request): URL {
  try {
    return new URL(url);
  } catch {
    throw new RequestError('BAD_REQUEST', 'The request cannot be read: its host is malformed');
  }
}

/** The headers that a route heeds, checked. */
const heeded = ({ headers = [] }: Route, given: Headers): Pick<Call, 'key' | 'ifVersion'> => ({
  key: headers.includes('Idempotency-Key') ? readKey(given) : undefined,
  ifVersion: headers.includes('If-Match') ? readIfMatch(given) : undefined,
});

/** Who may not come in at all is told before anything of the request is looked at. */
function principalFor(
  { engine }: Service,
  context: HttpContext,
  { access }: Route,
  visit: Visit,
): Principal {
  if (access === 'anyone') return nobody;
  if (typeof access === 'object' && isLocal(context)) return nobody;
  const action = typeof access === 'object' ? access.elsewhere : access;
  const principal = authenticate(engine, context.req.raw.headers);
  visit.principal = principal;
  admit(principal, action, visit.jobId === undefined ? {} : { jobId: visit.jobId });
  return principal;
}

/** Ends the connection; nothing where there is none. */
function hangUpOf({ env }: HttpContext): (() => void) | undefined {
  const outgoing = (env as Connection | undefined)?.outgoing;
  return outgoing && (() => void outgoing.destroy());
}

/** Where anyone may come, nobody is known, and nothing is left to be allowed. */
const nobody: Principal = { actor: { kind: 'reader', id: 'anyone' } };

/** From this very machine, and not through a proxy on it. Without a connection the caller is this process. */
function isLocal({ req, env }: HttpContext): boolean {
  const { headers } = req.raw;
  if (proxyHeaders.some((name) => headers.has(name))) return false;
  const socket = (env as Connection | undefined)?.incoming?.socket;
  return socket === undefined || isLoopback(socket.remoteAddress);
}

const proxyHeaders = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'];

function paramsOf(context: HttpContext): Record<string, string> {
  const params = context.req.param() as Record<string, string>;
  if (Object.values(params).some((value) => value.length > 1_024)) throw notFound();
  return params;
}

/** Throws InvalidData for a parameter that is there twice. */
function queryOf({ search, searchParams }: URL): Record<string, string> {
  if (search === '') return {};
  const query = Object.fromEntries(searchParams);
  if (Object.keys(query).length === searchParams.size) return query;
  const names = [...searchParams.keys()];
  const twice = names.find((name, index) => names.indexOf(name) < index) ?? '';
  throw new InvalidData('query', [{ path: twice.slice(0, 64), message: 'give it once' }]);
}

function parse(what: string, schema: Route['body'], value: unknown): unknown {
  if (!schema) {
    const [name] = Object.keys(value as object);
    if (name === undefined) return {};
    throw new InvalidData(what, [{ path: name.slice(0, 64), message: 'is not known here' }]);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new InvalidData(what, issuesOf(result.error, what));
  return result.data;
}

/** The problem that an error is; a refused administrative attempt is written down as well. */
function refuse(service: Service, { route, principal, jobId, requestId }: Visit, error: unknown) {
  const { audit, engine } = service;
  const problem = problemOf(error);
  if (!(error instanceof JobError)) {
    engine.telemetry.emit('http.failed', { requestId, error: stackOf(error) });
  }
  const action = administrative(route, error);
  if (action && [401, 403].includes(problem.status)) {
    audit.refused({ action, jobId: jobId ?? null, principal, requestId, code: problem.code });
    engine.telemetry.emit('admin.refused', { action, code: problem.code });
  }
  const allow = error instanceof RequestError && 'allow' in error ? String(error.allow) : undefined;
  return problemAnswer(problem, allow === undefined ? {} : { Allow: allow });
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** The action of a route for administrators; or of any other where it is their event that was refused. */
function administrative(route: Route | undefined, error: unknown): Action | undefined {
  if (!route || typeof route.access !== 'string' || route.access === 'anyone') return undefined;
  const isRefusal = error instanceof JobError && error.code === 'ADMIN_REQUIRED';
  return isRefusal || administrativeActions.has(route.access) ? route.access : undefined;
}

const administrativeActions: ReadonlySet<Action> = new Set([
  'job.reset',
  'job.delete',
  'token.issue',
  'token.revoke',
  'audit.read',
]);

/** Answers, and tells telemetry. */
function tell(
  { engine }: Service,
  context: HttpContext,
  { route, requestId, started, principal, jobId }: Visit,
  answer: Answer | Response,
): Response {
  const response = toResponse(answer, requestId);
  engine.telemetry.emit('http.request', {
    method: context.req.method,
    route: route?.path ?? 'unmatched',
    status: response.status,
    milliseconds: performance.now() - started,
    requestId,
    actor: principal?.actor ?? null,
    ...(jobId !== undefined && { jobId }),
  });
  return response;
}

function toResponse(answer: Answer | Response, requestId: string): Response {
  if (answer instanceof Response) {
    answer.headers.set('X-Request-Id', requestId);
    return answer;
  }
  const { status = 200, body, headers } = answer;
  // All headers at once: the server's own Response is quick as long as nobody touches it afterwards.
  return new Response(body instanceof JsonText ? body.text : JSON.stringify(body), {
    status,
    headers: {
      ...standingHeaders,
      'Content-Type': 'application/json',
      'X-Request-Id': requestId,
      ...headers,
    },
  });
}

function noRoute(method: string, path: string): RequestError {
  const known = routes.filter((route) => matchesPath(route.path, path));
  if (known.length === 0) return notFound();
  const allow = known.flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : route.method));
  const methods = [...new Set(allow)].join(', ');
  return new RequestError(
    'METHOD_NOT_ALLOWED',
    `${method} is not possible here; possible: ${methods}`,
    { allow: methods },
  );
}

const notFound = (): RequestError =>
  new RequestError('NOT_FOUND', 'There is no such resource; /openapi.json lists all of them');

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
