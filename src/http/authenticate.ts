import { createHash, timingSafeEqual } from 'node:crypto';
import type { Principal } from '../auth/authorise.ts';
import { Forbidden, Unauthenticated } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { readBearer } from './readHeaders.ts';

/** Whom the token of the authorization header proves. Throws Unauthenticated. */
export const authenticate = (engine: Engine, headers: Headers): Principal =>
  principalOf(engine, readBearer(headers));

/**
 * Whom the token of a callback proves: from the header, the query or the body. One that is given in
 * several places must be the same everywhere, and must be a job's.
 */
export function authenticateCallback(
  engine: Engine,
  headers: Headers,
  query: URLSearchParams,
  body: Readonly<Record<string, unknown>>,
): Principal {
  const [first, ...others] = [readBearer(headers), ...query.getAll('token'), body['token']].filter(
    (token) => token !== undefined && token !== null,
  );
  if (!others.every((other) => isSame(first, other))) {
    throw new Unauthenticated('give one token, in the header, the query or the body');
  }
  const principal = principalOf(engine, first);
  if (principal.actor.kind === 'job') return principal;
  throw new Forbidden('report by callback', "it takes the job's own token");
}

function principalOf({ tokens }: Engine, token: unknown): Principal {
  const verified = tokens.verify(token);
  return { actor: verified.actor, token: verified };
}

/** Compared without telling by its time where they differ. */
function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'string' || typeof other !== 'string') return false;
  return timingSafeEqual(digest(one), digest(other));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
