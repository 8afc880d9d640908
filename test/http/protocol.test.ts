import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/errors.ts';
import { routes } from '../../src/http/routes/index.ts';
import { startService, type RunningService } from '../../src/http/serve.ts';
import * as schemas from '../../src/http/schemas.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { withFaultPoints } from '../../src/testing/faultPoints.ts';
import { head, parseRaw, sendRaw, type RawAnswer } from './rawRequest.ts';
import { httpWorld, origin, type Answered } from './world.ts';

/** What the store does at each call; pass by default. */
let onPoint: (point: string) => void | Promise<void> = () => undefined;
const store = withFaultPoints(createMemoryStore(), (point) => onPoint(point));
const world = httpWorld({ store, limits: { requests: 1 } });

const codeOf = ({ status, body }: Answered) => [status, body['code'] ?? null];

describe('a request that leads nowhere', () => {
  it.each([
    ['GET', '/nowhere'],
    ['GET', '/v1/jobs/a/b/c'],
    ['POST', '/v1/job'],
    ['GET', '/V1/jobs'],
    ['GET', '/v1//jobs'],
    ['GET', '/v1/jobs/'],
    ['GET', `/v1/jobs/${'x'.repeat(1_025)}`],
    ['GET', '/.env'],
    ['GET', '/__proto__'],
    ['GET', '/%zz'],
    ['GET', '/%E0%A4%A'],
  ])('%s %.40s is a 404', async (method, path) => {
    const answer = await world.ask(method, path, { token: world.admin });
    expect(codeOf(answer)).toEqual([404, 'NOT_FOUND']);
  });

  it.each(['/v1/jobs/%zz', '/v1/jobs/%E0%A4%A', '/v1/jobs/%C0%AE'])(
    '%s names no job',
    async (path) => {
      const answer = await world.ask('GET', path, { token: world.admin });
      expect([400, 404]).toContain(answer.status);
    },
  );

  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PURGE'];
  const wrong = [...new Set(routes.map(({ path }) => path))].flatMap((path) => {
    const known = routes.filter((route) => route.path === path).map(({ method }): string => method);
    const all = known.includes('GET') ? [...known, 'HEAD'] : known;
    return methods
      .filter((method) => !all.includes(method))
      .map((method) => ({ method, path, all }));
  });

  it.each(wrong)(
    '$method $path is a 405 that tells what is possible',
    async ({ method, path, all }) => {
      const filled = path.replaceAll(/\{\w+\}/g, 'x');
      const answer = await world.ask(method, filled, { token: world.admin });
      if (method !== 'HEAD') expect(codeOf(answer)).toEqual([405, 'METHOD_NOT_ALLOWED']);
      expect(answer.status).toBe(405);
      expect(answer.headers.get('allow')?.split(', ').sort()).toEqual(all.sort());
    },
  );

  it('is told the same where letters of its path are escaped', async () => {
    const answer = await world.ask('PATCH', '/v1/%6Aobs', { token: world.admin });
    expect(codeOf(answer)).toEqual([405, 'METHOD_NOT_ALLOWED']);
  });
});

describe('HEAD', () => {
  it('is GET without the body', async () => {
    const { id } = await world.create();
    const path = `/v1/jobs/${id}`;
    const answer = await world.ask('HEAD', path, { token: world.reader });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect((await world.ask('HEAD', path)).status).toBe(401);
    expect((await world.ask('HEAD', '/nowhere')).status).toBe(404);
  });

  it('of the stream leaves none open', async () => {
    const streams = world.manager.engine.limits.streams;
    const headers = { authorization: `Bearer ${world.reader}` };
    for (let round = 0; round < streams + 2; round += 1) {
      const request = new Request(`${origin}/v1/stream`, { method: 'HEAD', headers });
      expect((await world.fetch(request)).status).toBe(200);
    }
    const one = await world.fetch(new Request(`${origin}/v1/stream`, { headers }));
    expect(one.status).toBe(200);
    await one.body?.cancel();
  });
});

describe('a body', () => {
  const post = async (body: string | ReadableStream, headers: Record<string, string> = {}) => {
    const { id } = await world.create();
    const response = await world.fetch(
      new Request(`${origin}/v1/jobs/${id}/events`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${world.operator}`,
          'content-type': 'application/json',
          ...headers,
        },
        body,
        duplex: 'half',
      }),
    );
    const problem = (await response.json()) as { code?: string };
    return { status: response.status, code: problem.code, id };
  };

  it('is refused by the length that it announces, before it is read', async () => {
    let pulled = 0;
    const body = new ReadableStream({ pull: () => void (pulled += 1) }, { highWaterMark: 0 });
    const answer = await post(body, { 'content-length': '262145' });
    expect(answer).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
    expect(pulled).toBe(0);
  });

  it('in pieces is refused as soon as the limit is passed', async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          sent += 65_536;
          controller.enqueue(new Uint8Array(65_536).fill(0x20));
          // Whoever reads on and on shall fail, not run for ever.
          if (sent > 2_000_000) controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    expect(await post(body)).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
    expect(sent).toBeLessThanOrEqual(6 * 65_536);
  });

  it('of just the limit is taken', async () => {
    const text = '{"name":"update"}'.padEnd(262_144, ' ');
    expect((await post(text)).status).toBe(200);
    expect((await post(`${text} `)).status).toBe(413);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/json; charset=utf-16',
    'application/jsonp',
    'text/json',
    '',
  ])('of type "%s" is a 415', async (type) => {
    const answer = await post('{"name":"run"}', { 'content-type': type });
    expect(answer).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
    expect((await world.manager.job(answer.id)).version).toBe(1);
  });

  it('that is compressed is a 415: nothing is unpacked here', async () => {
    const answer = await post('{"name":"run"}', {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    expect(answer).toMatchObject({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' });
  });

  it.each(['', 'null', '7', '"text"', '{', '{"name":"run"}x', '﻿{"name":"run"}', '{name:1}'])(
    'that is %j is a 400',
    async (text) => {
      const answer = await post(text);
      expect(answer.status).toBe(400);
      if (text !== '') expect(answer.code).toBe('MALFORMED_JSON');
    },
  );
});

describe('a host', () => {
  const asked = async (url: string) =>
    (await world.fetch(new Request(`${url}/health/live`))).status;

  it.each([
    'http://evil.example',
    'http://localhost.evil.example:8787',
    'http://127.0.0.1.evil.example',
    'http://10.0.0.1:8787',
    'http://[::2]:8787',
    'http://0.0.0.0:8787',
  ])('that is %s is a 421', async (url) => {
    expect(await asked(url)).toBe(421);
    const response = await world.fetch(new Request(`${url}/v1/jobs`));
    expect(response.headers.get('x-request-id')).toMatch(/./);
    expect(schemas.problem.parse(await response.json()).code).toBe('MISDIRECTED_REQUEST');
  });

  it.each(['http://localhost:1', 'http://LOCALHOST', 'http://127.0.0.1:9', 'http://[::1]:8787'])(
    'that is %s is ours',
    async (url) => {
      expect(await asked(url)).toBe(200);
    },
  );
});

describe('a request id', () => {
  it("is the caller's where it is harmless, else a new one", async () => {
    const idOf = async (given: string) =>
      (await world.ask('GET', '/health/live', { headers: { 'X-Request-Id': given } })).headers.get(
        'x-request-id',
      );
    expect(await idOf('a-1_B.c')).toBe('a-1_B.c');
    for (const bad of ['', 'a b', 'x'.repeat(65), '<script>', 'a\tb']) {
      expect(await idOf(bad)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('the header Authorization', () => {
  it.each([
    ['twice', (token: string) => `Bearer ${token}, Bearer ${token}`],
    ['of another scheme', (token: string) => `Basic ${token}`],
    ['without a scheme', (token: string) => token],
    ['with more behind it', (token: string) => `Bearer ${token} x`],
    ['empty', () => ''],
    ['without a token', () => 'Bearer'],
    ['longer than 4 KiB', () => `Bearer ${'x'.repeat(4_097)}`],
  ])('%s is a 401', async (_what, make) => {
    const headers = { authorization: make(world.admin) };
    const answer = await world.ask('GET', '/v1/jobs', { headers });
    expect(codeOf(answer)).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('takes its scheme in any case', async () => {
    const headers = { authorization: `bEARER ${world.reader}` };
    expect((await world.ask('GET', '/v1/jobs', { headers })).status).toBe(200);
  });
});

describe('a service that can do no more', () => {
  it('asks who comes beyond its limit to come again, and still tells that it lives', async () => {
    const { id } = await world.create();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let reached = (): void => undefined;
    const isReached = new Promise<void>((resolve) => (reached = resolve));
    onPoint = (point) => {
      if (point !== 'before:listJobs') return undefined;
      reached();
      return held;
    };
    const first = world.ask('GET', '/v1/jobs', { token: world.reader });
    await isReached;
    const busy = await world.ask('GET', `/v1/jobs/${id}`, { token: world.reader });
    expect(codeOf(busy)).toEqual([503, 'OVERLOADED']);
    expect(busy.headers.get('retry-after')).toBe('1');
    expect((await world.ask('GET', '/health/live')).status).toBe(200);
    expect((await world.ask('GET', '/health/ready')).status).toBe(200);
    onPoint = () => undefined;
    release();
    expect((await first).status).toBe(200);
    expect((await world.ask('GET', `/v1/jobs/${id}`, { token: world.reader })).status).toBe(200);
  });

  it('tells that its store is away, and when to come again', async () => {
    const { id, token } = await world.create();
    const down = () => {
      throw new StoreUnavailable('the database is away');
    };
    const body = { name: 'run' };
    const headers = { 'Idempotency-Key': 'k-1' };
    onPoint = (point) => (point === 'before:append' ? down() : undefined);
    const lost = await world.ask('POST', `/v1/jobs/${id}/events`, { token, body, headers });
    expect(codeOf(lost)).toEqual([503, 'STORE_UNAVAILABLE']);
    expect(lost.headers.get('retry-after')).toBe('2');
    onPoint = () => down();
    const list = await world.ask('GET', '/v1/jobs', { token: world.reader });
    expect(codeOf(list)).toEqual([503, 'STORE_UNAVAILABLE']);
    onPoint = () => undefined;
    const again = await world.ask('POST', `/v1/jobs/${id}/events`, { token, body, headers });
    expect(again.body).toMatchObject({ job: { version: 2 } });
  });

  it('hides what went wrong where it is no refusal', async () => {
    onPoint = (point) => {
      if (point === 'before:listJobs') throw new Error('secret detail of the store');
    };
    const answer = await world.ask('GET', '/v1/jobs', { token: world.reader });
    onPoint = () => undefined;
    expect(codeOf(answer)).toEqual([500, 'INTERNAL']);
    expect(answer.text).not.toContain('secret detail');
  });
});

describe('bytes on the wire', () => {
  let home: string;
  let manager: JobManager;
  let service: RunningService;
  let token: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'jobwright-wire-'));
    const secrets = `k1:${randomBytes(32).toString('base64')}`;
    manager = await JobManager.open({
      store: createMemoryStore(),
      home,
      secrets,
      logLevel: 'silent',
    });
    service = await startService(manager.engine, { port: 0 });
    token = manager.issueToken({ kind: 'operator', subject: 'sam' }).token;
  });
  afterAll(async () => {
    await service.stop();
    await manager.close();
    await rm(home, { recursive: true, force: true });
  });

  /** All that every problem promises, whoever it is told to. */
  function expectProblem(answer: RawAnswer, status: number, hasRequest: boolean): string {
    const { headers, body } = answer;
    expect([answer.status, body.slice(0, 200)]).toEqual([status, expect.anything()]);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    if (hasRequest) expect(headers.get('x-request-id')).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
    const text = body.startsWith('{')
      ? body
      : body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1);
    const problem = schemas.problem.parse(JSON.parse(text));
    expect(problem.status).toBe(status);
    return problem.code;
  }
  const raw = async (...pieces: (string | Uint8Array)[]) =>
    parseRaw(await sendRaw(service.url, ...pieces));
  const close = 'Connection: close';
  const host = 'Host: 127.0.0.1';
  const bearer = () => `Authorization: Bearer ${token}`;

  it.each([
    ['garbage', ['\x00\x01\x02\xff garbage\r\n\r\n']],
    ['a TLS hello', ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']],
    ['no version', ['GET /health/live\r\n\r\n']],
    ['a version that is none', ['GET / HTTP/9.9\r\n\r\n']],
    ['a method that is none', [head('FROB / HTTP/1.1', host, close)]],
    ['a line break within a header', [head('GET / HTTP/1.1', host, 'X: a\rb', close)]],
    ['a header name with a space', [head('GET / HTTP/1.1', host, 'X Y: a', close)]],
    ['a length that is none', [head('POST / HTTP/1.1', host, 'Content-Length: x', close)]],
    ['a negative length', [head('POST / HTTP/1.1', host, 'Content-Length: -1', close)]],
    [
      'two lengths',
      [head('POST / HTTP/1.1', host, 'Content-Length: 1', 'Content-Length: 2', close)],
    ],
    [
      'a length and pieces',
      [head('POST / HTTP/1.1', host, 'Content-Length: 4', 'Transfer-Encoding: chunked', close)],
    ],
    [
      'pieces and a length',
      [head('POST / HTTP/1.1', host, 'Transfer-Encoding: chunked', 'Content-Length: 4', close)],
    ],
    [
      'an unknown coding',
      [head('POST / HTTP/1.1', host, 'Transfer-Encoding: chunked, identity', close)],
    ],
    [
      'a piece of no size',
      [head('POST /v1/jobs HTTP/1.1', host, 'Transfer-Encoding: chunked', close), 'zz\r\n'],
    ],
  ])('%s is a 400, and the connection ends', async (_what, pieces) => {
    const text = await sendRaw(service.url, ...pieces.map((piece) => Buffer.from(piece, 'latin1')));
    expect(expectProblem(parseRaw(text), 400, false)).toBe('BAD_REQUEST');
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('smuggles no second request past the first', async () => {
    const inner = head('DELETE /v1/jobs/x HTTP/1.1', host, bearer());
    const outer = head(
      ...['POST /v1/jobs HTTP/1.1', host, bearer(), 'Content-Type: application/json'],
      ...[`Content-Length: ${inner.length}`, 'Transfer-Encoding: chunked'],
    );
    const text = await sendRaw(service.url, `${outer}0\r\n\r\n${inner}`);
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(expectProblem(parseRaw(text), 400, false)).toBe('BAD_REQUEST');
  });

  it('without a host is a 400, as with two; HTTP/1.0 may do without', async () => {
    expectProblem(await raw(head('GET /health/live HTTP/1.1', close)), 400, false);
    expectProblem(
      await raw(head('GET /health/live HTTP/1.1', host, 'Host: evil.example', close)),
      400,
      false,
    );
    const old = await raw(head('GET /health/live HTTP/1.0'));
    expect([old.status, old.body]).toEqual([200, '{"status":"ok"}']);
    expectProblem(await raw(head('GET /health/live HTTP/1.0', 'Host: evil.example')), 421, true);
  });

  it('with an empty host are a 400, whatever the version', async () => {
    for (const version of ['1.0', '1.1']) {
      const answer = await raw(head(`GET /health/live HTTP/${version}`, 'Host: ', close));
      expectProblem(answer, 400, true);
    }
  });

  it.each([
    ['Host: evil.example', 421],
    ['Host: evil.example:80', 421],
    ['Host: 127.0.0.1@evil.example', 400],
    ['Host: evil.example/127.0.0.1', 400],
    ['Host: 127.0.0.1, evil.example', 400],
    ['Host: 127.0.0.1:99999', 400],
  ])('%s is a %i', async (line, status) => {
    const answer = await raw(head('GET /health/live HTTP/1.1', line, close));
    expectProblem(answer, status, status === 421);
  });

  it.each([
    ['GET http://evil.example/v1/jobs HTTP/1.1', 421],
    ['GET http:// HTTP/1.1', 400],
    ['GET \\\\evil.example/x HTTP/1.1', 400],
    ['OPTIONS * HTTP/1.1', 400],
    ['GET //evil.example/v1/jobs HTTP/1.1', 404],
    ['GET /%zz HTTP/1.1', 404],
    ['GET /v1/jobs/%E0%A4%A HTTP/1.1', 404],
    ['TRACE /health/live HTTP/1.1', 405],
  ])('%s is a %i', async (line, status) => {
    const answer = await raw(head(line, host, bearer(), close));
    expectProblem(answer, status, status !== 400);
  });

  it('that ask for a tunnel are told what is possible', async () => {
    const answer = await raw(head('CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example:443'));
    expect(expectProblem(answer, 405, false)).toBe('METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')).toMatch(/GET/);
  });

  it('that ask for another protocol go on with this one', async () => {
    const lines = ['GET /health/live HTTP/1.1', host, 'Upgrade: websocket'];
    const answer = await raw(head(...lines, 'Connection: Upgrade, close'));
    expect(answer.status).toBe(200);
  });

  it('with headers beyond all measure are a 431', async () => {
    const lines = Array.from({ length: 40 }, (_each, n) => `X-${n}: ${'x'.repeat(1_000)}`);
    const answer = await raw(head('GET /health/live HTTP/1.1', host, ...lines, close));
    expectProblem(answer, 431, false);
    expectProblem(await raw(`GET /${'x'.repeat(40_000)} HTTP/1.1\r\n`), 431, false);
  });

  it('with two tokens in two headers are a 401', async () => {
    const answer = await raw(head('GET /v1/jobs HTTP/1.1', host, bearer(), bearer(), close));
    expect(expectProblem(answer, 401, true)).toBe('UNAUTHENTICATED');
  });

  it('from this machine see the metrics, unless a proxy passes them on', async () => {
    for (const path of ['/metrics', '/openapi.json']) {
      const near = await raw(head(`GET ${path} HTTP/1.1`, host, close));
      expect(near.status).toBe(200);
      const lines = [`GET ${path} HTTP/1.1`, host, 'X-Forwarded-For: 127.0.0.1', close];
      expect(expectProblem(await raw(head(...lines)), 401, true)).toBe('UNAUTHENTICATED');
    }
  });

  it('that wait to be asked on are asked on, and other waiting is a 417', async () => {
    const body = '{"name":"sample"}';
    const lines = ['PUT /v1/pipelines/p1 HTTP/1.1', host, bearer(), close];
    const type = ['Content-Type: application/json', `Content-Length: ${body.length}`];
    const text = await sendRaw(service.url, head(...lines, ...type, 'Expect: 100-continue') + body);
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    const other = await raw(head(...lines, ...type, 'Expect: magic'), body);
    expectProblem(other, 417, true);
  });

  it('that are too many are refused at once, announced or in pieces', async () => {
    const lines = [
      'PUT /v1/pipelines/p1 HTTP/1.1',
      host,
      bearer(),
      'Content-Type: application/json',
    ];
    const big = await raw(head(...lines, 'Content-Length: 999999999', close), 'x'.repeat(1_000));
    expect(expectProblem(big, 413, true)).toBe('PAYLOAD_TOO_LARGE');
    const piece = `10000\r\n${' '.repeat(65_536)}\r\n`;
    const chunked = head(...lines, 'Transfer-Encoding: chunked', close);
    const answer = await raw(chunked, piece.repeat(6));
    expect(expectProblem(answer, 413, true)).toBe('PAYLOAD_TOO_LARGE');
  });

  it('after a refusal on the same connection are answered as usual, or it ends', async () => {
    const body = '{"name":7}';
    const first = head(
      ...['PUT /v1/pipelines/p1 HTTP/1.1', host, 'Content-Type: application/json'],
      `Content-Length: ${body.length}`,
    );
    // The body of what was refused unread must not be taken for a request.
    const second = head('GET /health/live HTTP/1.1', host, close);
    const text = await sendRaw(service.url, `${first}${body}${second}`);
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
    expect(['401', '401,200']).toContain(statuses.join());
  });

  it('in pieces make a body like any other', async () => {
    const lines = [
      'PUT /v1/pipelines/p2 HTTP/1.1',
      host,
      bearer(),
      'Content-Type: application/json',
    ];
    const answer = await raw(
      head(...lines, 'Transfer-Encoding: chunked', close),
      '8\r\n{"name":\r\n',
      '6\r\n"two"}\r\n0\r\n\r\n',
    );
    expect(answer.status).toBe(200);
    expect(await manager.pipelines.get('p2')).toMatchObject({ name: 'two' });
  });
});
