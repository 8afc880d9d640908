import { InvalidData } from '../errors.ts';
import { issuesOf } from '../jobs/parseEvent.ts';
import { matchesPath } from './path.ts';
import { readIfMatch, readKey } from './readHeaders.ts';
import { RequestError } from './requestError.ts';
import type { Call, Route } from './route.ts';
import { routes } from './routes/index.ts';
import type { HttpContext } from './visit.ts';

/** The server lets hosts through that are none, such as `127..0.1`. */
export function readUrl({ url }: Request): URL {
  try {
    return new URL(url);
  } catch {
    throw new RequestError('BAD_REQUEST', 'The request cannot be read: its host is malformed');
  }
}

/** The headers that a route heeds, checked. */
export const heeded = (
  { headers = [] }: Route,
  given: Headers,
): Pick<Call, 'key' | 'ifVersion'> => ({
  key: headers.includes('Idempotency-Key') ? readKey(given) : undefined,
  ifVersion: headers.includes('If-Match') ? readIfMatch(given) : undefined,
});

export function paramsOf(context: HttpContext): Record<string, string> {
  const params = context.req.param() as Record<string, string>;
  if (Object.values(params).some((value) => value.length > 1_024)) throw notFound();
  return params;
}

/** Throws InvalidData for a parameter that is there twice. */
export function queryOf({ search, searchParams }: URL): Record<string, string> {
  if (search === '') return {};
  const query = Object.fromEntries(searchParams);
  if (Object.keys(query).length === searchParams.size) return query;
  const names = [...searchParams.keys()];
  const twice = names.find((name, index) => names.indexOf(name) < index) ?? '';
  throw new InvalidData('query', [{ path: twice.slice(0, 64), message: 'give it once' }]);
}

export function parse(what: string, schema: Route['body'], value: unknown): unknown {
  if (!schema) {
    const [name] = Object.keys(value as object);
    if (name === undefined) return {};
    throw new InvalidData(what, [{ path: name.slice(0, 64), message: 'is not known here' }]);
  }
  const result = schema.safeParse(value);
  if (!result.success) throw new InvalidData(what, issuesOf(result.error, what));
  return result.data;
}

export function noRoute(method: string, path: string): RequestError {
  const matching = routes.filter((route) => matchesPath(route.path, path));
  const literal = matching.filter((route) => route.path === path);
  const known = literal.length > 0 ? literal : matching;
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
