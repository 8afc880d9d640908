import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { createService } from '../../src/http/service.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { metricDefinitions } from '../../src/telemetry/metricDefinitions.ts';
import { withFaultPoints } from '../../src/testing/faultPoints.ts';
import { httpWorld, origin } from './world.ts';

let isAway = false;
const store = withFaultPoints(createMemoryStore(), (point) => {
  if (isAway && !point.endsWith(':close')) throw new StoreUnavailable('the database is away');
});
const world = httpWorld({ store });

describe('health', () => {
  it('is told to anyone: it lives, and takes requests', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      const answer = await world.ask('GET', path, { from: '203.0.113.9' });
      expect([answer.status, answer.body]).toEqual([200, { status: 'ok' }]);
    }
  });

  it('is alive but not ready while the store is away, and ready again afterwards', async () => {
    isAway = true;
    const live = await world.ask('GET', '/health/live');
    const ready = await world.ask('GET', '/health/ready');
    isAway = false;
    expect(live.status).toBe(200);
    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({
      status: 'unavailable',
      reason: expect.any(String) as string,
    });
    expect((await world.ask('GET', '/health/ready')).status).toBe(200);
  });

  it('is not ready while it stops, and still answers what comes', async () => {
    const home = await mkdtemp(join(tmpdir(), 'jobwright-health-'));
    afterAll(() => rm(home, { recursive: true, force: true }));
    const secrets = `k1:${randomBytes(32).toString('base64')}`;
    const options = { store: createMemoryStore(), home, secrets, logLevel: 'silent' };
    const manager = await JobManager.open(options);
    const service = createService(manager.engine);
    const app = createApp(service);
    const get = (path: string) => app.request(`${origin}${path}`, { headers });
    const { token } = manager.issueToken({ kind: 'reader', subject: 'sam' });
    const headers = { authorization: `Bearer ${token}` };
    expect((await get('/health/ready')).status).toBe(200);
    const stream = await get('/v1/stream');
    service.beginStop();
    const ready = await get('/health/ready');
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'stopping' }]);
    expect((await get('/health/live')).status).toBe(200);
    expect((await get('/v1/jobs')).status).toBe(200);
    // Open streams end, and no new one begins.
    await stream.text();
    const late = await get('/v1/stream');
    expect([late.status, late.headers.get('retry-after')]).toEqual([503, '1']);
    await service.settle();
    await manager.close();
  });
});

/** The names of metrics with their labels, from the text that Prometheus reads. */
function samplesOf(text: string) {
  return text
    .split('\n')
    .filter((line) => line.startsWith('jobwright_'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
        ([, label = '', text = '']): [string, string] => [label, text],
      );
      return { name, labels: Object.fromEntries(pairs), value: Number(value) };
    });
}
const scrape = async () => samplesOf((await world.ask('GET', '/metrics')).text);

describe('the metrics', () => {
  it('are all there by name, with help and type', async () => {
    const answer = await world.ask('GET', '/metrics');
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const { name, type } of Object.values(metricDefinitions)) {
      expect(answer.text).toContain(`# HELP ${name} `);
      expect(answer.text).toContain(`# TYPE ${name} ${type}`);
    }
  });

  it('count requests by the pattern of their route', async () => {
    const find = async (status: string) =>
      (await scrape()).find(
        ({ name, labels }) =>
          name === 'jobwright_http_requests_total' &&
          labels['route'] === '/v1/jobs/{id}' &&
          labels['method'] === 'GET' &&
          labels['status'] === status,
      )?.value ?? 0;
    const [good, bad] = [await find('2xx'), await find('4xx')];
    const { id, token } = await world.create();
    await world.ask('GET', `/v1/jobs/${id}`, { token });
    await world.ask('GET', `/v1/jobs/${id}`, { token });
    await world.ask('GET', `/v1/jobs/${id}`);
    expect([await find('2xx'), await find('4xx')]).toEqual([good + 2, bad + 1]);
  });

  it('count streams that are open, and refusals of administrators’ deeds', async () => {
    const streams = async () =>
      (await scrape()).find(({ name }) => name === 'jobwright_open_streams')?.value;
    const headers = { authorization: `Bearer ${world.reader}` };
    const response = await world.fetch(new Request(`${origin}/v1/stream`, { headers }));
    expect(await streams()).toBe(1);
    await response.body?.cancel();
    expect(await streams()).toBe(0);
    const { id, token } = await world.create();
    await world.ask('POST', `/v1/jobs/${id}/reset`, { token, body: { reason: 'x' } });
    expect(await scrape()).toContainEqual({
      name: 'jobwright_admin_refusals_total',
      labels: { action: 'job.reset', code: 'ADMIN_REQUIRED' },
      value: 1,
    });
  });

  it('have no label that a caller makes up', async () => {
    const { id, token } = await world.create();
    const send = (path: string, body: unknown, method = 'POST') =>
      world.ask(method, path, { token: world.admin, body });
    await send(`/v1/jobs/${id}/events`, { name: 'update' });
    const ask = async (word: string) => {
      await send(`/v1/jobs/${id}/events`, { name: word });
      await send(`/v1/jobs/${word}/events`, { name: 'run' });
      await send('/v1/jobs', { type: word, pipeline: 'p1' });
      await world.ask('GET', `/${word}`, { token: world.admin });
      await world.ask('GET', `/v1/machines/${word}`, { token: world.admin });
      await world.ask('GET', `/v1/jobs?state=${word}&type=${word}`, { token: world.admin });
      await world.ask(`X${word.slice(0, 8)}`, '/v1/jobs', { token: world.admin });
      await world.ask('POST', `/v1/callbacks/${id}`, { token, body: { status: word } });
      await world.ask('POST', `/v1/callbacks/${id}`, { token, body: { name: word } });
      await world.ask('POST', `/v1/jobs/${word}/reset`, { token, body: { reason: 'x' } });
    };
    await ask(`w${randomUUID()}`);
    const before = await scrape();
    const words = Array.from({ length: 50 }, () => `w${randomUUID()}`);
    for (const word of words) await ask(word);
    const after = await scrape();
    const nameOf = ({ name, labels }: (typeof after)[number]) =>
      `${name} ${JSON.stringify(labels)}`;
    expect(after.map(nameOf).sort()).toEqual(before.map(nameOf).sort());
    const text = JSON.stringify(after);
    for (const word of [id, token, ...words]) expect(text).not.toContain(word.slice(0, 20));
  });
});
