import { admit, type Principal } from '../auth/authorise.ts';
import { authenticate } from './authenticate.ts';
import { isLoopback } from './hosts.ts';
import type { Route } from './route.ts';
import type { Service } from './service.ts';
import type { Connection, HttpContext, Visit } from './visit.ts';

/** Who may not come in at all is told before anything of the request is looked at. */
export function admitVisitor(
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
