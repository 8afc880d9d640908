import type { Action } from '../auth/authorise.ts';
import { JobError } from '../errors.ts';
import { problemAnswer, problemOf, standingHeaders } from './problem.ts';
import { RequestError } from './requestError.ts';
import { JsonText, type Answer, type Route } from './route.ts';
import type { Service } from './service.ts';
import type { HttpContext, Visit } from './visit.ts';

/** Answers, and tells telemetry. */
export function tellAnswer(
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

/** The problem that an error is; a refused administrative attempt is written down as well. */
export function refuse(
  service: Service,
  { route, principal, jobId, requestId }: Visit,
  error: unknown,
) {
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
