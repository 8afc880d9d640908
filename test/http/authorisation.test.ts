import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pathParameters } from '../../src/http/path.ts';
import { routes } from '../../src/http/routes/index.ts';
import { httpWorld, origin } from './world.ts';

const world = httpWorld();

/**
 * Who may do what, written out. Each cell is the status of a well-formed request by that caller: without
 * a token, with one that is nonsense, with the job's own, with another job's, and by each kind of actor.
 */
const expectations = `
                                           none garbage own foreign worker reader operator admin
  POST /v1/jobs                            401  401     403 403     403    403    201      201
  GET /v1/jobs                             401  401     403 403     403    200    200      200
  GET /v1/counts                           401  401     403 403     403    200    200      200
  GET /v1/jobs/{id}                        401  401     200 401     403    200    200      200
  GET /v1/jobs/{id}/history                401  401     200 401     403    200    200      200
  GET /v1/jobs/{id}/attempts               401  401     200 401     403    200    200      200
  GET /v1/jobs/{id}/attempts/{attempt}/result 401 401   404 401     403    404    404      404
  GET /v1/jobs/{id}/attempts/{attempt}/stdout 401 401   404 401     403    404    404      404
  GET /v1/jobs/{id}/attempts/{attempt}/stderr 401 401   404 401     403    404    404      404
  POST /v1/jobs/get                        401  401     403 403     403    200    200      200
  POST /v1/jobs/many                       401  401     403 403     403    403    200      200
  POST /v1/jobs/{id}/events                401  401     200 401     403    403    200      200
  GET /v1/jobs/{id}/why                    401  401     200 401     403    200    200      200
  POST /v1/workers                         401  401     403 403     201    403    201      201
  GET /v1/workers                          401  401     403 403     403    200    200      200
  GET /v1/workers/{name}                   401  401     403 403     403    200    200      200
  POST /v1/workers/{name}/heartbeat        401  401     403 403     200    403    200      200
  POST /v1/workers/{name}/claim            401  401     403 403     200    403    200      200
  POST /v1/workers/{name}/progress         401  401     403 403     200    403    200      200
  POST /v1/workers/{name}/results          401  401     403 403     200    403    200      200
  DELETE /v1/workers/{name}                401  401     403 403     200    403    200      200
  GET /v1/jobs/{id}/children               401  401     403 401     403    200    200      200
  GET /v1/jobs/{id}/parents                401  401     403 401     403    200    200      200
  PUT /v1/datasets/{name}                  401  401     403 403     403    403    200      200
  GET /v1/datasets                         401  401     403 403     403    200    200      200
  GET /v1/datasets/{name}                  401  401     403 403     403    200    200      200
  DELETE /v1/datasets/{name}               401  401     403 403     403    403    200      200
  POST /v1/datasets/{name}/entries         401  401     403 403     403    403    200      200
  POST /v1/datasets/{name}/specifications  401  401     403 403     403    403    200      200
  POST /v1/datasets/{name}/submit          401  401     403 403     403    403    200      200
  GET /v1/datasets/{name}/status           401  401     403 403     403    200    200      200
  GET /v1/datasets/{name}/items            401  401     403 403     403    200    200      200
  POST /v1/bulk                            401  401     403 403     403    403    200      200
  GET /v1/bulk                             401  401     403 403     403    200    200      200
  GET /v1/bulk/{id}                        401  401     403 403     403    404    404      404
  GET /v1/bulk/{id}/outcomes               401  401     403 403     403    404    404      404
  POST /v1/bulk/{id}/stop                  401  401     403 403     403    403    404      404
  POST /v1/callbacks/{id}                  401  401     200 401     403    403    403      403
  POST /v1/callbacks                       401  401     200 401     403    403    403      403
  POST /v1/jobs/{id}/cancel                401  401     200 401     403    403    200      200
  POST /v1/jobs/{id}/reset                 401  401     403 401     403    403    403      200
  DELETE /v1/jobs/{id}                     401  401     403 401     403    403    403      200
  POST /v1/jobs/{id}/tokens                401  401     403 401     403    403    201      201
  DELETE /v1/jobs/{id}/tokens              401  401     403 401     403    403    200      200
  GET /v1/audit                            401  401     403 403     403    403    403      200
  PUT /v1/pipelines/{id}                   401  401     403 403     403    403    200      200
  GET /v1/pipelines/{id}                   401  401     403 403     403    200    200      200
  GET /v1/pipelines                        401  401     403 403     403    200    200      200
  PUT /v1/documents/{collection}/{id}      401  401     403 403     403    403    200      200
  GET /v1/documents/{collection}/{id}      401  401     403 403     403    200    200      200
  GET /v1/machines                         401  401     403 403     403    200    200      200
  GET /v1/machines/{name}                  401  401     403 403     403    200    200      200
  GET /v1/stream                           401  401     403 403     403    200    200      200
  GET /health/live                         200  200     200 200     200    200    200      200
  GET /health/ready                        200  200     200 200     200    200    200      200
  GET /metrics                             401  401     403 403     403    200    200      200
  GET /openapi.json                        401  401     403 403     403    200    200      200
`;

const [header = '', ...lines] = expectations.trim().split('\n');
const callers = header.trim().split(/\s+/);
const rows = lines.map((line) => {
  const [method = '', path = '', ...cells] = line.trim().split(/\s+/);
  return { route: `${method} ${path}`, method, path, cells: cells.map(Number) };
});

/** What a refusal may be told as. */
const codesOf: Readonly<Record<number, readonly string[]>> = {
  401: ['UNAUTHENTICATED'],
  403: ['FORBIDDEN', 'ADMIN_REQUIRED'],
  404: ['OUTPUT_NOT_FOUND', 'JOB_NOT_FOUND'],
};

/** Someone outside, so that nothing is granted for being near. */
const elsewhere = '203.0.113.9';

interface Made {
  readonly id: string;
  readonly token: string;
  /** A worker that the worker's token activated. */
  readonly worker?: string;
}

/** The rest of a request that is as it should be. */
const bodies: Record<string, (made: Made) => unknown> = {
  'POST /v1/jobs': () => ({ pipeline: 'p1', data: { run: randomUUID() } }),
  'POST /v1/jobs/get': ({ id }) => ({ ids: [id] }),
  'POST /v1/workers': () => ({}),
  'POST /v1/workers/{name}/heartbeat': () => ({ running: [] }),
  'POST /v1/workers/{name}/claim': () => ({ limit: 0 }),
  'POST /v1/workers/{name}/progress': () => ({ reports: [] }),
  'POST /v1/workers/{name}/results': () => ({ results: [] }),
  'POST /v1/jobs/many': () => ({ jobs: [{ pipeline: 'p1', data: { run: randomUUID() } }] }),
  'POST /v1/jobs/{id}/events': () => ({ name: 'update' }),
  'POST /v1/bulk': () => ({ op: 'update', ids: [] }),
  'POST /v1/bulk/{id}/stop': () => ({}),
  'POST /v1/callbacks/{id}': () => ({ status: 'RUNNING' }),
  'POST /v1/callbacks': ({ id }) => ({ status: 'RUNNING', uuid: id }),
  'POST /v1/jobs/{id}/cancel': () => ({}),
  'POST /v1/jobs/{id}/reset': () => ({ reason: 'test' }),
  'POST /v1/jobs/{id}/tokens': () => ({}),
  'POST /v1/datasets/{name}/entries': () => ({ entries: [] }),
  'POST /v1/datasets/{name}/specifications': () => ({ specifications: {} }),
  'PUT /v1/pipelines/{id}': () => ({ name: 'one' }),
  'PUT /v1/documents/{collection}/{id}': () => ({ name: 'one' }),
};

function pathOf(
  { method, path }: { method: string; path: string },
  { id, worker = 'none' }: Made,
): string {
  const isOfJob = path.startsWith('/v1/jobs/') || path.startsWith('/v1/callbacks/');
  const filled = path
    .replace('{collection}', 'files')
    .replace('{name}', path.startsWith('/v1/workers/') ? worker : 'pipelineJob')
    .replace('{attempt}', 'latest')
    .replace('{id}', isOfJob ? id : path.includes('documents') ? 'd1' : 'p1');
  return method === 'DELETE' && path === '/v1/jobs/{id}' ? `${filled}?reason=test` : filled;
}

async function activeWorker(): Promise<string> {
  const { body } = await world.ask('POST', '/v1/workers', { token: world.worker, body: {} });
  return String(body['name']);
}

/** What each caller sends as a token. */
async function tokenOf(caller: string, made: Made): Promise<string | undefined> {
  if (caller === 'none') return undefined;
  if (caller === 'garbage') return 'eyJhbGciOiJub25lIn0.e30.';
  if (caller === 'own') return made.token;
  if (caller === 'foreign') return (await world.create()).token;
  return world[caller as 'worker' | 'reader' | 'operator' | 'admin'];
}

describe('every route', () => {
  it('has a row here', () => {
    expect(rows.map(({ route }) => route).sort()).toEqual(
      routes.map(({ method, path }) => `${method} ${path}`).sort(),
    );
    expect(rows.every(({ cells }) => cells.length === callers.length)).toBe(true);
    // Whoever adds a parameter is to say here how it is filled.
    const known = ['id', 'collection', 'name', 'attempt'];
    expect(
      routes.flatMap(({ path }) => pathParameters(path)).filter((n) => !known.includes(n)),
    ).toEqual([]);
  });

  const cells = rows.flatMap((row) =>
    row.cells.map((status, index) => ({ row, caller: callers[index] ?? '', status })),
  );

  it.each(cells)(
    '$row.route asked by $caller is answered $status',
    async ({ row, caller, status }) => {
      await world.ask('PUT', '/v1/documents/files/d1', { token: world.operator, body: {} });
      await world.manager.datasets.create({ name: 'pipelineJob' });
      const made = { ...(await world.create()), worker: await activeWorker() };
      const token = await tokenOf(caller, made);
      const before = await world.manager.engine.store.readCommits(made.id, 1);
      const path = pathOf(row, made);
      if (row.path === '/v1/stream') {
        expect(await statusOfStream(token)).toBe(status);
        return;
      }
      const answer = await world.ask(row.method, path, {
        ...(token !== undefined && { token }),
        ...(bodies[row.route] && { body: bodies[row.route]?.(made) }),
        from: elsewhere,
      });
      expect([answer.status, answer.text.slice(0, 200)]).toEqual([status, expect.anything()]);
      if (status < 400) return;
      expect(await world.manager.engine.store.readCommits(made.id, 1)).toEqual(before);
      expect(codesOf[status]).toContain(answer.body['code']);
    },
  );

  it.each(rows.filter(({ cells: [none] }) => none === 401))(
    '$route refuses before it looks at anything else of the request',
    async (row) => {
      const isCallback = row.path.startsWith('/v1/callbacks');
      const made = await world.create();
      const path = pathOf(row, { ...made, id: 'no-such-job' });
      const answer = await world.ask(
        row.method,
        `${path}${path.includes('?') ? '&' : '?'}colour=red`,
        {
          // A callback's token may stand in its body, so that must at least be JSON.
          ...(row.method !== 'GET' && { body: isCallback ? '{"name":7}' : '{"name":' }),
          headers: { 'If-Match': 'nonsense', 'Idempotency-Key': '' },
          from: elsewhere,
        },
      );
      expect([answer.status, answer.body['code']]).toEqual([401, 'UNAUTHENTICATED']);
    },
  );
});

async function statusOfStream(token: string | undefined): Promise<number> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await world.fetch(new Request(`${origin}/v1/stream`, { headers }));
  await response.body?.cancel();
  return response.status;
}

describe('what is open on this machine', () => {
  const paths = ['/metrics', '/openapi.json'];
  const near = ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'];
  const far = ['203.0.113.9', '10.0.0.1', '::2', '::ffff:10.0.0.1', '1270.0.0.1', '', 'localhost'];
  const cells = paths.flatMap((path) => [
    ...near.map((from) => ({ path, from, status: 200 })),
    ...far.map((from) => ({ path, from, status: 401 })),
  ]);

  it.each(cells)('$path from "$from" is answered $status', async ({ path, from, status }) => {
    expect((await world.ask('GET', path, { from })).status).toBe(status);
  });

  it.each(['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'Via', 'X-Forwarded-Host'])(
    'is not what comes through a proxy on it (%s)',
    async (name) => {
      for (const path of paths) {
        const asking = { from: '127.0.0.1', headers: { [name]: '127.0.0.1' } };
        expect((await world.ask('GET', path, asking)).status).toBe(401);
        const known = await world.ask('GET', path, { ...asking, token: world.reader });
        expect(known.status).toBe(200);
      }
    },
  );

  it('is health from anywhere', async () => {
    const answer = await world.ask('GET', '/health/live', { from: elsewhere });
    expect(answer.body).toEqual({ status: 'ok' });
  });
});

describe('deny by default', () => {
  it.each(['/', '/v1', '/v1/', '/v1/jobs/', '/v1/admin', '/v1/jobs/x/y', '/health', '/health/'])(
    '%s is no way in',
    async (path) => {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await world.ask(method, path, { token: world.admin });
        expect([404, 405]).toContain(answer.status);
      }
    },
  );

  it('a job id that is spelled otherwise opens no other door', async () => {
    const [own, other] = [await world.create(), await world.create()];
    for (const path of [
      `/v1/%6Aobs/${other.id}`,
      `/v1/jobs/${other.id}%00`,
      `/v1/jobs/%2e%2e%2f${other.id}`,
      `/v1/jobs/${own.id}%2F..%2F${other.id}`,
      `/v1/jobs/${own.id}/../${other.id}`,
    ]) {
      const answer = await world.ask('GET', path, { token: own.token });
      expect(answer.status, path).toBe(401);
    }
  });
});
