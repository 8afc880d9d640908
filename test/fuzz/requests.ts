import { routes } from '../../src/http/routes/index.ts';
import type { Route } from '../../src/http/route.ts';
import type { Draw } from './draw.ts';
import { generate, readSchema } from './fromSchema.ts';
import type { FuzzWorld } from './fuzzWorld.ts';
import { hostileTexts, mutate, write } from './hostile.ts';

export type Kind = 'schema' | 'body' | 'raw' | 'url';

/** A request before it is bytes. */
export interface FuzzRequest {
  readonly kind: Kind;
  readonly method: string;
  /** Path and query, as it stands in the first line. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Buffer;
  /** Sent instead, on a connection of its own. */
  readonly raw?: readonly Buffer[];
}

/** A request of a route by its schemas; one half of them with something wrong. */
export function schemaRequest(draw: Draw, world: FuzzWorld): FuzzRequest {
  const route = drawRoute(draw);
  const wrong = draw.chance(0.55) ? draw.pick(['path', 'query', 'body', 'body', 'body']) : '';
  const job = draw.pick(world.jobs);
  const token = drawToken(draw, world, route, job.token);
  const path = drawPath(draw, route, world, wrong === 'path' ? undefined : job.id);
  const query = drawQuery(draw, route, world, wrong === 'query');
  const isTold = route.takesTokenAnywhere === true && draw.chance(0.6);
  if (isTold && token !== undefined) query.push(['token', token]);
  const body = drawBody(draw, route, world, wrong === 'body');
  const search = query.map(([name, value]) => `${name}=${encode(value)}`).join('&');
  return {
    kind: 'schema',
    method: draw.chance(0.01) ? 'HEAD' : route.method,
    target: search === '' ? path : `${path}?${search}`,
    headers: [...(isTold ? [] : bearer(draw, token)), ...drawHeaders(draw, body !== undefined)],
    ...(body !== undefined && { body: Buffer.from(body) }),
  };
}

/** Ones that end or reset jobs come seldom, so that there is something to be asked of. */
function drawRoute(draw: Draw): Route {
  const route = draw.pick(routes);
  const isFinal = route.method === 'DELETE' || /cancel|reset/.test(route.path);
  return isFinal && draw.chance(0.5) ? draw.pick(routes) : route;
}

function drawToken(
  draw: Draw,
  world: FuzzWorld,
  { access, takesTokenAnywhere }: Route,
  job: string,
): string | undefined {
  if (draw.chance(0.08)) return world.forged(draw);
  if (draw.chance(0.03)) return undefined;
  if (takesTokenAnywhere && draw.chance(0.9)) return job;
  if (draw.chance(0.15))
    return draw.pick([world.reader, world.worker, draw.pick(world.jobs).token]);
  return access === 'job.send' && draw.chance(0.3)
    ? job
    : draw.pick([world.admin, world.admin, world.operator]);
}

function drawPath(draw: Draw, { path }: Route, world: FuzzWorld, id: string | undefined): string {
  const other: Readonly<Record<string, readonly string[]>> = {
    collection: ['files', 'files', 'samples', 'jobs', 'commits', '$cmd', '__proto__'],
    name: ['pipelineJob', 'pipelineJob@1', '@', 'x@y@z', 'constructor'],
  };
  return path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const known = other[name];
    if (known) return encode(draw.pick(known));
    if (id === undefined) return encode(draw.pick([...hostileTexts, 'no-such-id'])) || '%20';
    if (path.includes('pipelines')) return draw.pick(['p1', 'p2', `p${draw.below(9)}`]);
    return encode(path.includes('documents') ? draw.pick(world.documentIds) : id);
  });
}

type Query = [string, string][];

function drawQuery(draw: Draw, { query }: Route, world: FuzzWorld, isWrong: boolean): Query {
  const drawn = query ? generate(draw, world, readSchema(query)) : {};
  const pairs = Object.entries(drawn as Record<string, unknown>).map(
    ([name, value]): [string, string] => [name, String(value)],
  );
  if (!isWrong) return pairs;
  const text = draw.pick(hostileTexts).slice(0, 4_000);
  const [first] = pairs;
  if (!first || draw.chance(0.3)) return [...pairs, [encode(text.slice(0, 40)), text]];
  return draw.chance(0.3) ? [...pairs, first] : [[first[0], text], ...pairs.slice(1)];
}

function drawBody(
  draw: Draw,
  { body }: Route,
  world: FuzzWorld,
  isWrong: boolean,
): string | undefined {
  if (!body) return isWrong ? '{"a":1}' : undefined;
  let value = generate(draw, world, readSchema(body));
  if (body === callbackBody) {
    value = { ...(value as object), ...drawReport(draw, world) };
  }
  for (let count = isWrong ? 1 + draw.below(2) : 0; count > 0; count -= 1) {
    value = mutate(draw, value);
  }
  return write(value);
}

const callbackBody = routes.find(({ path }) => path === '/v1/callbacks')?.body;

const drawReport = (draw: Draw, world: FuzzWorld): Record<string, unknown> => ({
  [draw.pick(['name', 'event', 'status'])]: draw.pick([
    ...['run', 'update', 'finish', 'fail', 'RUNNING', 'FINISHED', 'reset', 'delete', '', 7],
  ]),
  uuid: draw.pick(world.jobs).id,
  retries: draw.below(3),
  _links: { self: { href: 'https://example.org' } },
});

function bearer(draw: Draw, token: string | undefined): [string, string][] {
  if (token === undefined) return [];
  const scheme = draw.chance(0.97) ? 'Bearer ' : draw.pick(['Basic ', 'bearer  ', '', 'Bearer']);
  const header: [string, string] = ['Authorization', `${scheme}${token}`];
  return draw.chance(0.01) ? [header, header] : [header];
}

/** Headers that a request may do without; odd ones among them. */
export function drawHeaders(draw: Draw, hasBody: boolean): [string, string][] {
  const headers: [string, string][] = [];
  const add = (name: string, probability: number, values: readonly string[]): void => {
    if (draw.chance(probability)) headers.push([name, draw.pick(values)]);
  };
  if (hasBody) {
    if (draw.chance(0.93)) headers.push(['Content-Type', 'application/json']);
    else add('Content-Type', 0.8, contentTypes);
  }
  add('Idempotency-Key', 0.25, [...oddKeys, `key-${draw.below(1e6)}`, `key-${draw.below(20)}`]);
  add('If-Match', 0.1, ['"1"', '"2"', `"${draw.below(20)}"`, ...oddTags]);
  add('Last-Event-ID', 0.05, ['', '0', 'x'.repeat(3_000), 'eyJ', '-1', 'null', '%00', 'ü']);
  add('Accept', 0.1, ['*/*', 'text/html', 'text/event-stream', ';;;', '', 'x'.repeat(2_000)]);
  add('X-Request-Id', 0.1, ['ok-1', '', 'a b', 'é', 'x'.repeat(65), '{"a":1}']);
  add('Accept-Encoding', 0.05, ['gzip', 'br;q=1', 'identity;q=0']);
  add('Content-Encoding', 0.02, ['gzip', 'deflate', 'nonsense']);
  add('traceparent', 0.05, [`00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`, '00-0-0-0', 'x']);
  add('X-Forwarded-For', 0.03, ['127.0.0.1', '::1', 'x']);
  add('Origin', 0.03, ['https://example.org', 'null']);
  add('Range', 0.02, ['bytes=0-1', 'bytes=-']);
  add('Cookie', 0.02, ['a=b', '=;=']);
  return headers;
}

const contentTypes = [
  ...['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''],
  ...['application/json; charset=latin1', 'application/json;charset="utf-8"', 'a/b+json', '/'],
];
const oddKeys = ['', ' ', 'once:x', 'effect:x', 'é', 'x'.repeat(201), '__proto__', '$where', '{}'];
const oddTags = ['*', 'W/"1"', '1', '"', '""', '"1", "2"', '"-1"', '"1e3"', '"999999999999999999"'];

/** Text in a URL; half of a character is written as a broken escape. */
export const encode = (text: string): string =>
  text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80';

/** The bytes of a request, with its length. */
export function toBytes({ method, target, headers, body }: FuzzRequest, host: string): Buffer {
  const own = headers.some(([name]) => name.toLowerCase() === 'host') ? [] : [`Host: ${host}`];
  const length = body || method === 'POST' || method === 'PUT' ? [body?.length ?? 0] : [];
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...own,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...length.map((size) => `Content-Length: ${size}`),
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  return body ? Buffer.concat([head, body]) : head;
}
