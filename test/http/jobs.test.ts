import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as schemas from '../../src/http/schemas.ts';
import { httpWorld } from './world.ts';

const world = httpWorld();

type Json = Record<string, unknown>;
const jobOf = (body: Json): Json & { version: number; state: string } =>
  body['job'] as Json & { version: number; state: string };
const entriesOf = (body: Json): Json[] => body['entries'] as Json[];

describe('POST /v1/jobs', () => {
  it('creates a job once, and attaches to it afterwards', async () => {
    const body = { pipeline: 'p1', data: { sample: randomUUID() }, tags: ['a'] };
    const first = await world.ask('POST', '/v1/jobs', { token: world.operator, body });
    expect(first.status).toBe(201);
    schemas.created.parse(first.body);
    const second = await world.ask('POST', '/v1/jobs', { token: world.operator, body });
    expect(second.status).toBe(200);
    expect(jobOf(second.body)).toEqual(jobOf(first.body));
    expect(jobOf(first.body)).toMatchObject({ type: 'pipelineJob', state: 'CREATED', version: 1 });
  });

  it('answers the repeat of a request by its key as it answered the request', async () => {
    const body = { pipeline: 'p1', data: { sample: randomUUID() } };
    const headers = { 'Idempotency-Key': randomUUID() };
    const first = await world.ask('POST', '/v1/jobs', { token: world.operator, body, headers });
    const second = await world.ask('POST', '/v1/jobs', { token: world.operator, body, headers });
    expect([first.status, second.status]).toEqual([201, 201]);
  });

  it.each([
    [{ pipeline: 'none' }, 404, 'PIPELINE_NOT_FOUND'],
    [{ pipeline: 'p1', parents: 'nobody' }, 404, 'PARENT_NOT_FOUND'],
    [{ pipeline: 'p1', type: 'none' }, 404, 'UNKNOWN_MACHINE'],
    [{ pipeline: 'p1', colour: 'red' }, 400, 'INVALID_DATA'],
    [{}, 400, 'INVALID_DATA'],
    [{ pipeline: 'p1', archivePath: '/uploads/precious' }, 400, 'ARCHIVE_PATH_REFUSED'],
    [{ pipeline: { $ne: null } }, 400, 'INVALID_DATA'],
  ])('refuses %j with %i %s and stores nothing', async (body, status, code) => {
    await world.manager.maintain();
    const before = await world.manager.engine.store.countJobs({});
    const answer = await world.ask('POST', '/v1/jobs', { token: world.operator, body });
    expect(answer.status).toBe(status);
    expect(answer.body['code']).toBe(code);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    schemas.problem.parse(answer.body);
    await world.manager.maintain();
    expect(await world.manager.engine.store.countJobs({})).toBe(before);
  });
});

describe('GET /v1/counts', () => {
  it('tells how many jobs of each machine are in each state', async () => {
    const ask = async (query = '') => {
      await world.manager.maintain();
      const answer = await world.ask('GET', `/v1/counts${query}`, { token: world.reader });
      expect(answer.status).toBe(200);
      return schemas.counts.parse(answer.body).counts;
    };
    const { id, token } = await world.create();
    const before = await ask();
    const body = { name: 'run' };
    await world.ask('POST', `/v1/jobs/${id}/events`, { token, body });
    const { CREATED = 0, RUNNING = 0 } = before['pipelineJob'] ?? {};
    const after = await ask('?type=pipelineJob');
    const left = CREATED === 1 ? {} : { CREATED: CREATED - 1 };
    expect(after['pipelineJob']).toMatchObject({ ...left, RUNNING: RUNNING + 1 });
    expect(await ask('?type=none')).toEqual({});
    const jobs = Object.values(after['pipelineJob'] ?? {}).reduce((sum, each) => sum + each, 0);
    expect(jobs).toBe(await world.manager.engine.store.countJobs({ type: 'pipelineJob' }));
  });

  it.each(['?state=RUNNING', '?type=a&type=b'])('refuses %s', async (query) => {
    const answer = await world.ask('GET', `/v1/counts${query}`, { token: world.reader });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_DATA' } });
  });
});

describe('POST /v1/jobs/{id}/events', () => {
  it('takes one event, or a chain as a whole', async () => {
    const { id, token } = await world.create();
    const one = await world.ask('POST', `/v1/jobs/${id}/events`, {
      token,
      body: { name: 'RUN', data: { host: 'n1' } },
    });
    expect(one.status).toBe(200);
    schemas.sent.parse(one.body);
    expect(entriesOf(one.body)).toMatchObject([{ seq: 2, name: 'run', to: 'RUNNING' }]);
    expect(one.headers.get('etag')).toBe('"2"');
    const chain = { events: [{ name: 'update' }, { name: 'finish', data: { files: 3 } }] };
    const several = await world.ask('POST', `/v1/jobs/${id}/events`, { token, body: chain });
    expect(entriesOf(several.body).map(({ seq }) => seq)).toEqual([3, 4]);
    expect(jobOf(several.body)).toMatchObject({ state: 'FINISHED', version: 4 });
  });

  it('refuses a chain whole, with the place of what is impossible', async () => {
    const { id, token } = await world.create();
    const answer = await world.ask('POST', `/v1/jobs/${id}/events`, {
      token,
      body: { events: [{ name: 'run' }, { name: 'index' }] },
    });
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      code: 'INVALID_TRANSITION',
      index: 1,
      event: 'index',
      from: 'RUNNING',
    });
    expect((await world.manager.job(id)).version).toBe(1);
  });

  it('applies a request once however often its key comes, and tells a conflict', async () => {
    const { id, token } = await world.create();
    const headers = { 'Idempotency-Key': 'k-1' };
    const send = (body: unknown, by = token) =>
      world.ask('POST', `/v1/jobs/${id}/events`, { token: by, body, headers });
    const first = await send({ name: 'run', data: { n: 1 } });
    const again = await send({ name: 'run', data: { n: 1 } });
    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect((await send({ name: 'run', data: { n: 2 } })).body['code']).toBe('IDEMPOTENCY_CONFLICT');
    const other = await send({ name: 'run', data: { n: 1 } }, world.operator);
    expect([other.status, other.body['code']]).toEqual([422, 'IDEMPOTENCY_CONFLICT']);
    expect((await world.manager.job(id)).version).toBe(2);
  });

  it('heeds If-Match', async () => {
    const { id, token } = await world.create();
    const send = (tag: string) =>
      world.ask('POST', `/v1/jobs/${id}/events`, {
        token,
        body: { name: 'update' },
        headers: { 'If-Match': tag },
      });
    expect((await send('"7"')).status).toBe(412);
    expect((await send('W/"1"')).status).toBe(412);
    expect((await send('1')).status).toBe(400);
    expect((await send('"1"')).status).toBe(200);
    expect((await send('*')).status).toBe(200);
    expect((await send('"1"')).body).toMatchObject({
      code: 'VERSION_MISMATCH',
      expected: 1,
      actual: 3,
    });
  });

  it.each([
    ['no such event', { name: 'explode' }, 422, 'UNKNOWN_EVENT'],
    ['a name of every object', { name: 'constructor' }, 422, 'UNKNOWN_EVENT'],
    ['an event for admins', { name: 'reset' }, 403, 'ADMIN_REQUIRED'],
    ['an operator as name', { name: { $gt: '' } }, 400, 'INVALID_DATA'],
    ['data that is no object', { name: 'run', data: 'text' }, 400, 'INVALID_DATA'],
    ['an empty chain', { events: [] }, 400, 'INVALID_DATA'],
    ['a chain beside an event', { name: 'run', events: [] }, 400, 'INVALID_DATA'],
    ['data of __proto__', '{"name":"run","data":{"__proto__":{"x":1}}}', 400, 'INVALID_DATA'],
    ['text that is no JSON', '{"name":', 400, 'MALFORMED_JSON'],
    ['a list', '[]', 400, 'MALFORMED_JSON'],
    ['a member twice', '{"name":"run","name":"fail"}', 400, 'MALFORMED_JSON'],
    [
      'a member twice, deep',
      '{"name":"run","data":{"a":[{"b":1,"\\u0062":2}]}}',
      400,
      'MALFORMED_JSON',
    ],
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 400, 'MALFORMED_JSON'],
    ['a lone surrogate', '{"name":"run","data":{"a":"\\ud800"}}', 400, 'INVALID_DATA'],
  ])('refuses %s', async (_what, body, status, code) => {
    const { id, token } = await world.create();
    const answer = await world.ask('POST', `/v1/jobs/${id}/events`, { token, body });
    expect([answer.status, answer.body['code']]).toEqual([status, code]);
    expect((await world.manager.job(id)).version).toBe(1);
  });

  it('keeps keys such as $set and a.b as plain data', async () => {
    const { id, token } = await world.create();
    const data = { $set: { state: 'FINISHED' }, 'a.b': 1, $where: 'sleep(1000)' };
    const answer = await world.ask('POST', `/v1/jobs/${id}/events`, {
      token,
      body: { name: 'run', data },
    });
    expect(answer.status).toBe(200);
    const { entries } = await (await world.manager.job(id)).history({ after: 1 });
    expect(entries[0]?.data).toEqual(data);
  });
});

describe('GET /v1/jobs/{id} and its history', () => {
  it('shows the job with its allowed events, and its version as ETag', async () => {
    const { id, token } = await world.create();
    const answer = await world.ask('GET', `/v1/jobs/${id}`, { token });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const job = schemas.job.parse(answer.body);
    expect(job.allowedEvents.map(({ name }) => name)).toEqual([
      'create',
      'run',
      'update',
      'resource',
      'fail',
      'reset',
    ]);
    expect(job.allowedEvents.find(({ name }) => name === 'run')?.schema).toMatchObject({
      type: 'object',
    });
  });

  it('pages through a history', async () => {
    const { id, token } = await world.create();
    await world.ask('POST', `/v1/jobs/${id}/events`, {
      token,
      body: { events: Array.from({ length: 6 }, () => ({ name: 'update' })) },
    });
    const seqs: unknown[] = [];
    let path: string | undefined = `/v1/jobs/${id}/history?limit=3`;
    for (let pages = 0; path !== undefined && pages < 9; pages += 1) {
      const answer = await world.ask('GET', path, { token });
      schemas.history.parse(answer.body);
      seqs.push(...entriesOf(answer.body).map(({ seq }) => seq));
      path = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it.each(['limit=0', 'limit=501', 'limit=ten', 'after=-1', 'colour=red', 'limit=1&limit=2'])(
    'refuses ?%s',
    async (query) => {
      const { id, token } = await world.create();
      const answer = await world.ask('GET', `/v1/jobs/${id}/history?${query}`, { token });
      expect([answer.status, answer.body['code']]).toEqual([400, 'INVALID_DATA']);
    },
  );

  it('says that there is no such job, whoever may ask', async () => {
    for (const path of ['/v1/jobs/none', '/v1/jobs/none/history']) {
      const answer = await world.ask('GET', path, { token: world.reader });
      expect([answer.status, answer.body['code']]).toEqual([404, 'JOB_NOT_FOUND']);
    }
  });
});

describe('GET /v1/jobs', () => {
  it('pages through what fits, in both directions', async () => {
    const tag = randomUUID();
    const made: string[] = [];
    for (let index = 0; index < 5; index += 1) made.push((await world.create({ tags: [tag] })).id);
    await world.manager.maintain();
    for (const [sort, wanted] of [
      ['createdAt', made],
      ['-createdAt', made.toReversed()],
    ] as const) {
      const seen: unknown[] = [];
      let path: string | undefined = `/v1/jobs?tag=${tag}&limit=2&sort=${sort}`;
      for (let pages = 0; path !== undefined && pages < 9; pages += 1) {
        const answer = await world.ask('GET', path, { token: world.reader });
        schemas.jobs.parse(answer.body);
        seen.push(...(answer.body['jobs'] as Json[]).map(({ id }) => id));
        path = /<([^>]+)>; rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
      }
      expect(new Set(seen)).toEqual(new Set(wanted));
      expect(seen).toHaveLength(5);
    }
    const found = await world.ask('GET', `/v1/jobs?q=${made[0]}`, { token: world.reader });
    expect((found.body['jobs'] as Json[]).map(({ id }) => id)).toEqual([made[0]]);
  });

  it.each([
    'cursor=nonsense',
    `cursor=${Buffer.from('["-createdAt",1e99,"x"]').toString('base64url')}`,
    `cursor=${Buffer.from('["createdAt",1,"x"]').toString('base64url')}`,
    'sort=state',
    'limit=501',
    'state[$ne]=x',
    '%24where=1',
  ])('refuses ?%s', async (query) => {
    const answer = await world.ask('GET', `/v1/jobs?${query}`, { token: world.reader });
    expect([answer.status, answer.body['code']]).toEqual([400, 'INVALID_DATA']);
  });
});
