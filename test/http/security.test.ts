import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventOfStatus } from '../../src/http/externalStatus.ts';
import { routes } from '../../src/http/routes/index.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { attachLog } from '../../src/telemetry/log.ts';
import { bundleForChild, spawnChild } from '../support/childProcess.ts';
import { runMain } from '../cli/runMain.ts';
import { traceInMemory } from '../telemetry/memoryTracing.ts';
import { httpWorld, type Answered } from './world.ts';

const lines: string[] = [];
const telemetry = new Telemetry();
attachLog(telemetry, 'trace', { write: (line) => void lines.push(line) });
const world = httpWorld({ telemetry });

const tracing = traceInMemory();
afterAll(() => tracing.disable());
afterEach(() => {
  lines.length = 0;
});

type Json = Record<string, unknown>;
const codeOf = ({ status, body }: Answered) => [status, body['code'] ?? null];
const stored = (id: string) => world.manager.engine.store.readCommits(id, 1);

describe('a token', () => {
  /** Everywhere that a caller can put a token, good or bad, and answers of every kind. */
  async function useEverywhere(id: string, token: string): Promise<Answered[]> {
    const bearer = { token };
    const search = `?token=${token}`;
    return Promise.all([
      world.ask('GET', `/v1/jobs/${id}`, bearer),
      world.ask('GET', `/v1/jobs/${id}${search}`, bearer),
      world.ask('GET', `/v1/jobs/${token}`, bearer),
      world.ask('GET', `/v1/jobs/${token}`, { token: world.reader }),
      world.ask('GET', `/${token}`),
      world.ask('GET', `/v1/jobs?q=${token}`, { token: world.reader }),
      world.ask('GET', `/v1/jobs?cursor=${token}`, { token: world.reader }),
      world.ask('GET', `/v1/machines/${token}`, { token: world.reader }),
      world.ask('GET', '/v1/jobs', { headers: { 'X-Request-Id': token, authorization: token } }),
      world.ask('GET', '/v1/jobs', { headers: { authorization: `Basic ${token}` } }),
      world.ask('GET', '/v1/jobs', { headers: { authorization: `Bearer ${token}, x` } }),
      world.ask('POST', `/v1/jobs/${id}/events`, { ...bearer, body: { name: 'run' } }),
      world.ask('POST', `/v1/jobs/${id}/events`, { ...bearer, body: { name: token } }),
      world.ask('POST', `/v1/jobs/${id}/events`, { ...bearer, body: { name: 'run', [token]: 1 } }),
      world.ask('POST', `/v1/jobs/${id}/events`, { ...bearer, body: `{"token":"${token}"` }),
      world.ask('POST', `/v1/jobs/${id}/reset`, { ...bearer, body: { reason: 'x' } }),
      world.ask('POST', `/v1/callbacks/${id}${search}`, { body: { status: 'RUNNING' } }),
      world.ask('POST', `/v1/callbacks/${id}`, { body: { status: 'HEARTBEAT', token } }),
      world.ask('POST', `/v1/callbacks/${id}${search}x`, { body: { status: 'RUNNING' } }),
      world.ask('POST', `/v1/callbacks/${id}`, { body: { name: 'explode', token } }),
      world.ask('POST', `/v1/callbacks/${id}`, { body: { name: token, token } }),
      world.ask('POST', `/v1/callbacks/none${search}`, { body: { status: 'RUNNING' } }),
      world.ask('POST', `/v1/callbacks/${id}${search}`, { body: `{"token":"${token}"` }),
      world.ask('DELETE', `/v1/jobs/${id}?reason=x`, bearer),
    ]);
  }

  it('stands in no answer but where it is issued, in no log line and in no span', async () => {
    const { id, token } = await world.create();
    const before = tracing.ended.length;
    const answers = await useEverywhere(id, token);
    expect(new Set(answers.map(({ status }) => Math.floor(status / 100)))).toEqual(new Set([2, 4]));
    await world.service.audit.settle();
    const audit = await world.ask('GET', '/v1/audit?limit=500', { token: world.admin });
    const history = await world.ask('GET', `/v1/jobs/${id}/history`, { token });
    const spans = tracing.ended.slice(before);
    expect(lines.length).toBeGreaterThan(answers.length);
    expect(spans.length).toBeGreaterThan(answers.length);
    const signature = token.split('.')[2] ?? token;
    const seen = {
      answers: [...answers, audit, history].map(
        ({ text, headers }) => text + JSON.stringify([...headers]),
      ),
      lines,
      spans: spans.map((span) => JSON.stringify(span)),
      stored: [JSON.stringify(await stored(id))],
    };
    for (const [where, texts] of Object.entries(seen)) {
      for (const text of texts) expect(text, where).not.toContain(signature);
    }
    for (const line of lines) expect(line).not.toMatch(/eyJ[\w-]+\.[\w-]+/);
    for (const span of seen.spans) expect(span).not.toMatch(/eyJ|[?&]token/);
  });

  it('of anybody else is in no log line either', async () => {
    for (const token of [world.admin, world.operator, world.reader, world.worker]) {
      await world.ask('GET', '/v1/jobs', { token });
      await world.ask('GET', `/v1/jobs?colour=${token}`, { token });
      await world.ask('POST', '/v1/jobs', { token, body: { pipeline: token, data: {} } });
    }
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).not.toMatch(/eyJ[\w-]+\.[\w-]+/);
  });

  it('is taken out of what an unforeseen error says, before that is logged', async () => {
    const { token } = await world.create();
    telemetry.emit('http.failed', {
      requestId: 'r1',
      error: `Error: GET /v1/callbacks/x?token=${token} failed; Authorization: Bearer ${token}`,
    });
    expect(lines.at(-1)).toContain('a request failed');
    expect(lines.at(-1)).not.toContain(token.split('.')[2]);
  });
});

/** What a database might take for a question, and what a program might take for its own. */
const hostile = [
  ['an operator', { $ne: null }],
  ['a comparison', { $gt: '' }],
  ['code', { $where: 'sleep(2000)' }],
  ['an expression', { $expr: { $function: { body: 'while(1);', args: [], lang: 'js' } } }],
  ['a pattern', { $regex: '.*' }],
  ['a list', ['run', { $ne: 1 }]],
  ['a nested one', { a: { $or: [{}, {}] } }],
  ['a number', 7],
  ['a truth', true],
] as const;

describe('operators of the database', () => {
  const fields = ['pipeline', 'parents', 'session', 'agent', 'task', 'archivePath', 'type', 'tags'];

  it.each(fields)('as %s of a set-up are refused', async (field) => {
    for (const [what, value] of hostile) {
      // Two that are legal there, as what they are.
      if (field === 'tags' && Array.isArray(value)) continue;
      const body = { pipeline: 'p1', data: { run: randomUUID() }, [field]: value };
      const answer = await world.ask('POST', '/v1/jobs', { token: world.operator, body });
      expect([what, ...codeOf(answer)]).toEqual([what, 400, 'INVALID_DATA']);
    }
  });

  it('as parts of any other body are refused', async () => {
    const { id } = await world.create();
    const before = await stored(id);
    for (const [what, value] of hostile) {
      for (const [method, path, body] of [
        ['POST', `/v1/jobs/${id}/events`, { name: value }],
        ['POST', `/v1/jobs/${id}/events`, { events: [{ name: value }] }],
        ['POST', `/v1/jobs/${id}/events`, { events: value }],
        ['POST', `/v1/jobs/${id}/cancel`, { reason: value }],
        ['POST', `/v1/jobs/${id}/reset`, { reason: value }],
        [
          'POST',
          `/v1/jobs/${id}/reset`,
          { reason: 'x', keepArchive: typeof value === 'boolean' ? 1 : value },
        ],
        ['POST', `/v1/jobs/${id}/tokens`, { events: [value] }],
        ['POST', `/v1/jobs/${id}/tokens`, { ttl: typeof value === 'number' ? 0 : value }],
        ['POST', `/v1/jobs/${id}/tokens`, { once: typeof value === 'boolean' ? 1 : value }],
        ['PUT', '/v1/pipelines/p7', { name: value }],
        ['PUT', '/v1/pipelines/p7', { description: value }],
        ['PUT', '/v1/documents/files/d7', { child_of: [value] }],
      ] as const) {
        const answer = await world.ask(method, path, { token: world.admin, body });
        expect([what, path, JSON.stringify(body), answer.status]).toEqual([
          what,
          path,
          JSON.stringify(body),
          400,
        ]);
      }
    }
    expect(await stored(id)).toEqual(before);
  });

  it('as parts of a callback never choose the job or the event', async () => {
    const { id, token } = await world.create();
    for (const [, value] of hostile) {
      for (const body of [{ uuid: value, status: 'RUNNING' }, { name: value }, { status: value }]) {
        const path = 'uuid' in body ? '/v1/callbacks' : `/v1/callbacks/${id}`;
        const answer = await world.ask('POST', path, { token, body });
        expect(answer.status).toBe(400);
      }
      const inToken = await world.ask('POST', `/v1/callbacks/${id}`, {
        body: { status: 'RUNNING', token: value },
      });
      expect(codeOf(inToken)).toEqual([401, 'UNAUTHENTICATED']);
    }
    expect((await world.manager.job(id)).version).toBe(1);
  });

  const parameters = ['state', 'type', 'pipeline', 'tag', 'q', 'limit', 'cursor', 'sort'];

  it.each(parameters)('as the parameter %s find nothing', async (name) => {
    await world.create();
    await world.manager.maintain();
    for (const query of [
      `${name}[$ne]=x`,
      `${name}[]=x`,
      `${name}[$regex]=.*`,
      `${name}=${encodeURIComponent('{"$ne":null}')}`,
      `${name}=${encodeURIComponent('$where')}`,
      `${name}=${encodeURIComponent('.*')}`,
      `${name}=a&${name}=b`,
      `${encodeURIComponent('$where')}=1`,
      '__proto__=1',
      '__proto__[limit]=1',
      'constructor=1',
    ]) {
      const answer = await world.ask('GET', `/v1/jobs?${query}`, { token: world.reader });
      if (answer.status === 200) expect(answer.body).toEqual({ jobs: [] });
      else expect(codeOf(answer)).toEqual([400, 'INVALID_DATA']);
    }
  });

  it('as parts of a path name nothing', async () => {
    await world.create();
    for (const word of [
      '{"$ne":null}',
      '[$ne]',
      '$where',
      '.*',
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'a\u0000b',
      '../../etc/passwd',
      '*',
    ]) {
      const named = encodeURIComponent(word);
      for (const [path, statuses] of [
        [`/v1/jobs/${named}`, [404]],
        [`/v1/jobs/${named}/history`, [404]],
        [`/v1/pipelines/${named}`, [404]],
        [`/v1/documents/files/${named}`, [404]],
        [`/v1/documents/${named}/x`, [400]],
        [`/v1/machines/${named}`, [404]],
      ] as const) {
        const answer = await world.ask('GET', path, { token: world.admin });
        expect([path, answer.status]).toEqual([path, expect.anything()]);
        expect(statuses, path).toContain(answer.status);
      }
      const put = await world.ask('PUT', `/v1/documents/${named}/x`, {
        token: world.admin,
        body: {},
      });
      expect(put.status).toBe(400);
      const pipeline = await world.ask('PUT', `/v1/pipelines/${named}`, {
        token: world.admin,
        body: {},
      });
      const isWord = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(word);
      expect(pipeline.status, word).toBe(isWord ? 200 : 400);
      const sent = await world.ask('POST', `/v1/jobs/${named}/events`, {
        token: world.admin,
        body: { name: 'run' },
      });
      expect(codeOf(sent)).toEqual([404, 'JOB_NOT_FOUND']);
    }
  });

  it('as keys of documents are kept as they are, and none is run', async () => {
    const body = { name: randomUUID(), $where: '1', 'a.b': { $set: { x: 1 } } };
    const put = await world.ask('PUT', `/v1/documents/files/${body.name}`, {
      token: world.operator,
      body,
    });
    expect([200, 400]).toContain(put.status);
    if (put.status === 200) {
      const got = await world.ask('GET', `/v1/documents/files/${body.name}`, {
        token: world.reader,
      });
      expect(got.body).toMatchObject(body);
    }
  });
});

describe('names that every object has', () => {
  const bodies = (name: string) => [
    `{"name":"update","data":{"${name}":{"polluted":1}}}`,
    `{"name":"update","data":{"a":[{"${name}":{"polluted":1}}]}}`,
    `{"name":"update","${name}":{"polluted":1}}`,
    `{"events":[{"name":"update","data":{"${name}":{"polluted":1}}}]}`,
  ];

  it.each(['__proto__', '\\u005f_proto__'])('%s is refused everywhere', async (name) => {
    const { id, token } = await world.create();
    for (const body of bodies(name)) {
      const answer = await world.ask('POST', `/v1/jobs/${id}/events`, { token, body });
      expect(codeOf(answer)).toEqual([400, 'INVALID_DATA']);
    }
    const setup = `{"pipeline":"p1","data":{"${name}":{"polluted":1}}}`;
    const created = await world.ask('POST', '/v1/jobs', { token: world.operator, body: setup });
    expect(codeOf(created)).toEqual([400, 'INVALID_DATA']);
    const body = `{"status":"RUNNING","${name}":{"polluted":1}}`;
    const called = await world.ask('POST', `/v1/callbacks/${id}`, { token, body });
    expect(codeOf(called)).toEqual([400, 'INVALID_DATA']);
    expect((await world.manager.job(id)).version).toBe(1);
    expect(({} as Json)['polluted']).toBeUndefined();
  });

  it.each(['constructor', 'prototype', 'toString', 'then', 'toJSON', 'hasOwnProperty'])(
    '%s is data like any other',
    async (name) => {
      const { id, token } = await world.create();
      const data = { [name]: { prototype: { polluted: 1 } } };
      const answer = await world.ask('POST', `/v1/jobs/${id}/events`, {
        token,
        body: { name: 'update', data },
      });
      expect(answer.body['entries']).toMatchObject([{ seq: 2, data }]);
      const called = await world.ask('POST', `/v1/callbacks/${id}`, {
        token,
        body: { status: 'RUNNING', ...data },
      });
      expect(called.body).toMatchObject({ applied: true });
      const created = await world.ask('POST', '/v1/jobs', {
        token: world.operator,
        body: { pipeline: 'p1', data: { run: id, ...data } },
      });
      expect(created.status).toBe(201);
      expect(({} as Json)['polluted']).toBeUndefined();
    },
  );

  it('are no events, statuses, machines or parameters', async () => {
    const { id, token } = await world.create();
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf']) {
      const sent = await world.ask('POST', `/v1/jobs/${id}/events`, { token, body: { name } });
      expect(codeOf(sent)).toEqual([422, 'UNKNOWN_EVENT']);
      const called = await world.ask('POST', `/v1/callbacks/${id}`, { token, body: { name } });
      expect(codeOf(called)).toEqual([400, 'UNKNOWN_EVENT']);
      expect(eventOfStatus(name)).toBe('update');
      const created = await world.ask('POST', '/v1/jobs', {
        token: world.operator,
        body: { type: name, pipeline: 'p1' },
      });
      expect(codeOf(created)).toEqual([404, 'UNKNOWN_MACHINE']);
    }
  });
});

describe('JSON that is to do harm', () => {
  const bombs: [string, string][] = [
    ['objects 10,000 deep', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['lists 100,000 deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['lists that are not closed', '['.repeat(200_000)],
    ['20,000 keys', `{${Array.from({ length: 20_000 }, (_each, n) => `"k${n}":0`).join()}}`],
    ['100,000 items', `[${'0,'.repeat(99_999)}0]`],
    ['objects 33 deep', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['a number without end', `1${'0'.repeat(400)}`],
    ['backslashes', `"${'\\\\'.repeat(60_000)}`],
  ];

  it.each(bombs)('%s is refused soon, wherever it stands', async (_what, bomb) => {
    const { id, token } = await world.create();
    const before = await stored(id);
    const started = performance.now();
    for (const [path, text] of [
      [`/v1/jobs/${id}/events`, `{"name":"update","data":${bomb}}`],
      [`/v1/jobs/${id}/events`, `{"name":"update","data":{"x":${bomb}}}`],
      [`/v1/jobs/${id}/events`, `{"events":${bomb}}`],
      [`/v1/callbacks/${id}`, `{"status":"RUNNING","x":${bomb}}`],
      ['/v1/jobs', `{"pipeline":"p1","data":{"x":${bomb}}}`],
      ['/v1/jobs', bomb],
    ] as const) {
      const by = path === '/v1/jobs' ? world.operator : token;
      const answer = await world.ask('POST', path, { token: by, body: text });
      expect([path, answer.status]).toEqual([path, expect.anything()]);
      expect([400, 413], path).toContain(answer.status);
    }
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await stored(id)).toEqual(before);
  });

  it('with 20,000 keys or 80,000 wrong events makes no answer that is as long', async () => {
    const { id, token } = await world.create();
    const keys = `{${Array.from({ length: 20_000 }, (_each, n) => `"k${n}":0`).join()}}`;
    const events = `{"events":[${'{},'.repeat(80_000)}{}]}`;
    for (const body of [keys, events, `{"name":"${'x'.repeat(200_000)}"}`]) {
      const answer = await world.ask('POST', `/v1/jobs/${id}/events`, { token, body });
      expect([400, 422]).toContain(answer.status);
      expect(answer.text.length).toBeLessThan(16_384);
    }
    const tokens = await world.ask('POST', `/v1/jobs/${id}/tokens`, {
      token: world.operator,
      body: { events: Array.from({ length: 1_000 }, () => ({})) },
    });
    expect(codeOf(tokens)).toEqual([400, 'INVALID_DATA']);
    expect((tokens.body['issues'] as Json[]).length).toBeLessThanOrEqual(20);
    const search = 'x'.repeat(10_000);
    const answer = await world.ask('GET', `/v1/jobs?${search}=1`, { token: world.reader });
    expect(answer.text.length).toBeLessThan(16_384);
  });
});

describe('a service that is started', () => {
  const home = mkdtempSync(join(tmpdir(), 'jobwright-security-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const good = randomBytes(32).toString('base64');
  const environment = () => ({
    JOBWRIGHT_MONGODB_URI: world.database.uri,
    JOBWRIGHT_DATABASE: world.database.database,
    JOBWRIGHT_HOME: home,
  });

  it.each([
    ['missing', {}],
    ['empty', { JOBWRIGHT_SECRETS: '' }],
    ['blank', { JOBWRIGHT_SECRETS: '  ' }],
    ['short', { JOBWRIGHT_SECRETS: `k1:${Buffer.from('sHoRtSeCrEt-4711').toString('base64')}` }],
    ['zero', { JOBWRIGHT_SECRETS: `k1:${Buffer.alloc(32).toString('base64')}` }],
    [
      'an example',
      {
        JOBWRIGHT_SECRETS: `k1:${Buffer.from('changeme-changeme-changeme-changeme').toString('base64')}`,
      },
    ],
    ['without its name', { JOBWRIGHT_SECRETS: good }],
    ['no base64', { JOBWRIGHT_SECRETS: `k1:${'*'.repeat(44)}` }],
    ['good, and another short', { JOBWRIGHT_SECRETS: `k1:${good},k2:c2hvcnQ=` }],
    ['one name twice', { JOBWRIGHT_SECRETS: `k1:${good},k1:${good}` }],
    ['in a file that is not there', { JOBWRIGHT_SECRETS_FILE: join(home, 'none') }],
  ])('with secrets that are %s does not start', async (_what, secrets) => {
    const ended = await runMain(['serve', '--port', '0'], { ...environment(), ...secrets });
    expect([ended.code, ended.stdout]).toEqual([2, '']);
    expect(ended.stderr).toMatch(/JOBWRIGHT_SECRETS/);
    for (const text of Object.values<string>(secrets as Record<string, string>)) {
      const [, secret = text] = text.split(':');
      if (secret.trim().length > 5 && !text.startsWith('/'))
        expect(ended.stderr).not.toContain(secret);
    }
    expect(ended.stderr).not.toContain(good);
  });

  it('listens on loopback unless it is told otherwise', async () => {
    const program = await bundleForChild(
      fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)),
    );
    const env = { ...environment(), JOBWRIGHT_SECRETS: `k1:${good}` };
    const child = spawnChild(program, { args: ['serve', '--port', '0'], env });
    const { listening, pid } = await child.nextMessage();
    expect(listening).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(pid).toBe(child.pid);
    const response = await fetch(`${String(listening)}/health/ready`);
    expect(await response.json()).toEqual({ status: 'ok' });
    expect(await child.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(child.stderr()).not.toContain(good);
  });
});

describe('the table of routes', () => {
  it('has no route that writes and is open to anyone', () => {
    const open = routes.filter(({ access }) => access === 'anyone' || typeof access === 'object');
    expect(open.map(({ method }) => method)).toEqual(open.map(() => 'GET'));
  });
});
