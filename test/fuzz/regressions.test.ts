import { randomUUID } from 'node:crypto';
import { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { queryObjects } from 'node:v8';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService, type RunningService } from '../../src/http/serve.ts';
import { head, parseRaw, sendRaw } from '../http/rawRequest.ts';
import { httpWorld } from '../http/world.ts';
import { waitUntil } from '../support/waitUntil.ts';

/** What the fuzzing has found once. */
const world = httpWorld();

/** Data that the database's driver takes for something of its own. */
const takenForOthers: readonly Readonly<Record<string, unknown>>[] = [
  { _bsontype: 'ObjectId', id: 'aaaaaaaaaaaa' },
  { deep: [{ _bsontype: 'Long', low: 1, high: 2 }] },
  { _bsontype: null },
  { $ref: 'jobs', $id: 'x' },
  { deep: { $id: 1, $ref: 'jobs', $db: 'admin', more: true } },
];

describe('data that the driver of the database takes for a value of its own', () => {
  it.each(takenForOthers)('is refused wherever it is stored: %j', async (data) => {
    const { operator: token } = world;
    const job = await world.create();
    const requests: [string, string, unknown][] = [
      ['PUT', '/v1/documents/files/odd', data],
      ['PUT', '/v1/pipelines/odd', { metadata: data }],
      ['POST', '/v1/jobs', { pipeline: 'p1', data }],
      ['POST', `/v1/jobs/${job.id}/events`, { name: 'update', data }],
    ];
    for (const [method, path, body] of requests) {
      const answer = await world.ask(method, path, { token, body });
      expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_DATA' } });
    }
  });

  it('keeps no other job from the list', async () => {
    const { operator: token } = world;
    for (const data of takenForOthers) {
      await world.ask('POST', '/v1/jobs', { token, body: { pipeline: 'p1', data } });
    }
    const job = await world.create();
    await waitUntil(
      'the job is listed',
      async () => {
        const { body } = await world.ask('GET', `/v1/jobs?q=${job.id}`, { token });
        return (body['jobs'] as unknown[]).length === 1 || 'missing';
      },
      5_000,
    );
    expect(await world.manager.verify()).toMatchObject({ problems: [] });
  });

  it('is not every name that begins with a dollar', async () => {
    const { operator: token } = world;
    const body = { a: { $ref: '#/x' }, b: { $id: 'urn:x' }, $set: { c: 1 } };
    const path = `/v1/documents/files/${randomUUID()}`;
    await world.ask('PUT', path, { token, body });
    expect((await world.ask('GET', path, { token })).body).toMatchObject(body);
  });
});

describe('a refusal', () => {
  it.each<[string, string, unknown]>([
    ['PUT', '/v1/documents/files/long', { ['x'.repeat(20_000)]: { $ref: 1, $id: 2 } }],
    ['POST', '/v1/jobs', { pipeline: 'p1', data: { ['x'.repeat(20_000)]: { _bsontype: 1 } } }],
    ['POST', '/v1/jobs/{id}/tokens', { events: Array.from({ length: 1_000 }, () => '?') }],
  ])('of much is short: %s %s', async (method, path, body) => {
    const { operator: token } = world;
    const { id } = await world.create();
    const answer = await world.ask(method, path.replace('{id}', id), { token, body });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_DATA' } });
    expect(answer.text.length).toBeLessThan(16_384);
  });
});

describe('a host that is none', () => {
  it.each(['127..0.1', '327.0.0.1', '1r7.0.0.1', '127.0.0.1231062'])(
    'is refused: %s',
    async (name) => {
      const service = await startService(world.manager.engine, { port: 0 });
      try {
        const request = head('GET /health/live HTTP/1.1', `Host: ${name}`, 'Connection: close');
        const answer = parseRaw(await sendRaw(service.url, request));
        expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
          400,
          { code: 'BAD_REQUEST' },
        ]);
      } finally {
        await service.stop();
      }
    },
  );
});

describe('a request with garbage behind it', () => {
  it('is answered before the garbage is', async () => {
    const service = await startService(world.manager.engine, { port: 0 });
    try {
      const body = '{"name":"of many words"}';
      const request = head(
        'PUT /v1/pipelines/words HTTP/1.1',
        ...['Host: 127.0.0.1', `Authorization: Bearer ${world.operator}`],
        ...['Content-Type: application/json', `Content-Length: ${body.length}`],
      );
      const told = await sendRaw(service.url, `${request}${body}GARBAGE\r\n\r\n`);
      expect(told.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
    } finally {
      await service.stop();
    }
  });

  it('does not break into a stream, which ends when more of it comes', async () => {
    const service = await startService(world.manager.engine, { port: 0 });
    try {
      const authorization = `Authorization: Bearer ${world.reader}`;
      const stream = head('GET /v1/stream HTTP/1.1', 'Host: 127.0.0.1', authorization);
      const { hostname, port } = new URL(service.url);
      const socket = connect(Number(port), hostname);
      let told = '';
      socket.setEncoding('latin1').on('data', (text: string) => (told += text));
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write(`${stream}GARBAGE\r\n\r\n`);
      await waitUntil('it begins', async () => told.includes('retry:') || told, 5_000);
      socket.write('GARBAGE\r\n\r\n');
      await closed;
      expect(told.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    } finally {
      await service.stop();
    }
  });
});

describe('a client that hangs up in the middle of a body', () => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startService(world.manager.engine, { port: 0 });
  });
  afterAll(() => service?.stop());

  it.each([
    ['Content-Length: 100', '{"pipeline":'],
    ['Transfer-Encoding: chunked', '5\r\n{"pip'],
  ])('counts as its own failure: %s', async (framing, piece) => {
    const statuses: number[] = [];
    const failures: unknown[] = [];
    const { telemetry } = world.manager.engine;
    const offs = [
      telemetry.on('http.request', ({ status }) => void statuses.push(status)),
      telemetry.on('http.failed', (event) => void failures.push(event)),
    ];
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    const authorization = `Authorization: Bearer ${world.operator}`;
    const type = 'Content-Type: application/json';
    socket.write(head('POST /v1/jobs HTTP/1.1', 'Host: 127.0.0.1', authorization, type, framing));
    socket.write(piece, () => setImmediate(() => socket.destroy()));
    await waitUntil('it is answered', async () => statuses.length > 0 || 'open', 5_000);
    for (const off of offs) off();
    expect([statuses, failures]).toEqual([[400], []]);
  });

  it('gets one answer, with its length, for a request before HTTP/1.0 with more behind it', async () => {
    const told = await sendRaw(
      service.url,
      'POST /v1/callbacks/x?token=text&name=\n\r\n{"event":""}',
    );
    expect(told.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400']);
    expect(told).toMatch(/content-length: \d+/i);
  });

  it('leaves nothing of its connection behind', async () => {
    const kept = (): number => queryObjects(ServerResponse, { format: 'count' });
    const { hostname, port } = new URL(service.url);
    const before = kept();
    const streams = Array.from({ length: 30 }, async () => {
      const socket = connect(Number(port), hostname);
      const authorization = `Authorization: Bearer ${world.reader}`;
      socket.write(head('GET /v1/stream HTTP/1.1', 'Host: 127.0.0.1', authorization));
      await new Promise((resolve) => socket.once('data', resolve));
      socket.destroy();
    });
    await Promise.all(streams);
    const few = async (): Promise<string | true> => kept() < before + 10 || `${kept()} kept`;
    await waitUntil('all is let go', few, 5_000);
  });
});
