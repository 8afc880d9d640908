import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../cli/runMain.ts';
import { testDatabase } from '../support/database.ts';
import { ask, createServiceClient, type ServiceClient } from '../support/serviceClient.ts';
import { expectKept, startLoad } from '../support/serviceLoad.ts';
import {
  freePort,
  programBundle,
  serviceEnv,
  serviceSettings,
  serviceTokens,
  startServiceProcess,
  type ServiceProcess,
  type ServiceSettings,
  type ServiceTokens,
} from '../support/serviceProcess.ts';
import { isLong, waitUntil } from '../support/waitUntil.ts';

const kills = isLong ? 10 : 2;
const opening = serviceSettings(testDatabase());
let settings: ServiceSettings;
let tokens: ServiceTokens;

beforeAll(async () => {
  settings = await opening;
  tokens = serviceTokens(settings);
});

/** A service on a port that it can come back to, and a client of it. */
async function open(): Promise<{ service: ServiceProcess; client: ServiceClient }> {
  const service = await startServiceProcess(settings, await freePort());
  const client = createServiceClient(service.url, tokens);
  const body = { name: 'weather' };
  await client.ask('PUT', '/v1/pipelines/weather', { token: tokens.operator, body });
  return { service, client };
}

interface Made {
  readonly id: string;
  readonly token: string;
  readonly callbackUrl: string;
}

async function makeJob(client: ServiceClient): Promise<Made> {
  const made = await client.ask('POST', '/v1/jobs', {
    token: tokens.operator,
    body: { pipeline: 'weather', data: { run: randomUUID() } },
  });
  expect(made.status).toBe(201);
  const { job, token, callbackUrl } = made.body as { job: { id: string } } & Omit<Made, 'id'>;
  return { id: job.id, token, callbackUrl };
}

interface HistoryEntry {
  readonly seq: number;
  readonly name: string;
  readonly key?: string;
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** All of it, page by page. */
async function historyOf(client: ServiceClient, id: string): Promise<readonly HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for (let after: number | undefined = 0; after !== undefined;) {
    const path = `/v1/jobs/${id}/history?limit=500&after=${after}`;
    const answer = await client.ask('GET', path, { token: tokens.reader });
    const page = answer.body as { entries?: HistoryEntry[]; next?: number };
    entries.push(...(page.entries ?? []));
    after = page.next;
  }
  return entries;
}

const program = fileURLToPath(new URL('fixtures/reportingProgram.sh', import.meta.url));

describe('an outside program that knows only its callback URL', () => {
  it('has its whole report in the history, however often the service is killed meanwhile', async () => {
    const updates = kills * 20;
    const opened = await open();
    const { client } = opened;
    let { service } = opened;
    const { id, callbackUrl } = await makeJob(client);
    expect(callbackUrl.startsWith(`${service.url}/v1/callbacks/${id}?token=`)).toBe(true);
    const running = promisify(execFile)(program, [callbackUrl, String(updates)], {
      env: { PATH: process.env['PATH'] },
    });
    for (let kill = 1; kill <= kills; kill += 1) {
      const isUnderWay = async (): Promise<string | true> => {
        const { length } = await historyOf(client, id);
        return length > kill * 10 || `${length} entries`;
      };
      await waitUntil('the program has reported', isUnderWay, 30_000, 10);
      await service.kill('SIGKILL');
      service = await startServiceProcess(settings, service.port);
    }
    await running;

    const reported = (await historyOf(client, id)).map(({ seq, name, key, data }) => ({
      ...{ seq, name, data },
      ...(key !== undefined && { key }),
    }));
    const steps = Array.from({ length: updates }, (_each, index) => index + 1);
    const expected = [
      { name: 'run', key: 'running', data: { status: 'RUNNING' } },
      ...steps.map((step) => ({
        ...{ name: 'update', key: `update-${step}` },
        data: { status: 'UPDATED', step },
      })),
      { name: 'finish', key: 'finished', data: { status: 'FINISHED', steps: updates } },
    ];
    expect(reported.slice(1)).toEqual(expected.map((each, index) => ({ seq: index + 2, ...each })));
    const { code, stdout } = await runProgram(
      await programBundle(),
      ['verify', '--job', id, '--json'],
      serviceEnv(settings),
    );
    expect({ code, ...(JSON.parse(stdout) as object) }).toMatchObject({ code: 0, ok: true });
    expect(await service.kill('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});

/** A request whose body is on its way. */
interface SlowRequest {
  /** Sends the rest, and resolves to all that is answered. */
  readonly finish: (rest: string) => Promise<string>;
  readonly socket: Socket;
}

/** Resolves once the service has the head of an event's request and asks for its body. */
async function begin(service: ServiceProcess, id: string, key = 'slow'): Promise<SlowRequest> {
  const socket = connect(service.port, '127.0.0.1');
  let answer = '';
  const closed = new Promise<string>((resolve, reject) => {
    socket.once('error', reject).once('close', () => resolve(answer));
  });
  closed.catch(() => undefined);
  socket.setEncoding('utf8').write(eventHead(id, key));
  await new Promise<void>((resolve) => {
    socket.on('data', (text: string) => {
      answer += text;
      if (answer.startsWith('HTTP/1.1 100 ')) resolve();
    });
  });
  socket.write(body.slice(0, 10));
  return {
    socket,
    finish(rest) {
      socket.write(rest);
      return closed;
    },
  };
}

const body = JSON.stringify({ name: 'update', data: { slow: true } });
const eventHead = (id: string, key: string): string =>
  [
    `POST /v1/jobs/${id}/events HTTP/1.1`,
    'Host: 127.0.0.1',
    `Authorization: Bearer ${tokens.operator}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    `Idempotency-Key: ${key}`,
    'Expect: 100-continue',
    '\r\n',
  ].join('\r\n');

/** Whether the service has begun to stop: it refuses connections, or says that it is not ready. */
const isStopping = async (service: ServiceProcess): Promise<string | true> => {
  const ready = await ask(service.url, 'GET', '/health/ready').catch(() => undefined);
  return ready?.status !== 200 || 'it is ready still';
};

describe('a service that is told to stop under load', () => {
  it('is not ready any more, answers what is in flight, and ends with 0, nothing lost', async () => {
    const { service, client } = await open();
    const { id } = await makeJob(client);
    let count = 0;
    const load = startLoad(client, 16, () => {
      count += 1;
      const events = [{ name: 'update', data: { count } }];
      return { do: 'send', job: id, key: `update-${count}`, events };
    });
    await load.acknowledged(100);
    const slow = Array.from({ length: 10 }, (_each, index) => `slow-${index}`);
    const inFlight = await Promise.all(slow.map((key) => begin(service, id, key)));

    const told = performance.now();
    const ended = service.kill('SIGTERM');
    await waitUntil('it stops', () => isStopping(service), 5_000, 5);
    const readiness = 'GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';
    const answers = await Promise.all(
      inFlight.map(({ finish }) => finish(`${body.slice(10)}${readiness}`)),
    );
    for (const [index, each] of answers.entries()) {
      const [, answer, notReady] = each.split(/(?=HTTP\/1\.1 [1-5]\d\d )/);
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(answer).toContain(`"key":"${slow[index]}"`);
      expect(notReady).toMatch(/^HTTP\/1\.1 503 [^]*"status":"stopping"/);
    }
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - told).toBeLessThan(10_000);

    const next = await startServiceProcess(settings, service.port);
    await load.stop();
    const keys = (await historyOf(client, id)).flatMap(({ key = '' }) => key);
    expect(keys.filter((key) => slow.includes(key)).sort()).toEqual(slow);
    expect(load.attempts.filter(({ outcome }) => !outcome?.ok)).toEqual([]);
    await next.kill('SIGTERM');
    await expectKept(settings, load.attempts);
  });

  it('cuts off who does not come to an end, and still ends with 0 within 10 s', async () => {
    const { service, client } = await open();
    const { id } = await makeJob(client);
    const told = performance.now();
    const inFlight = await begin(service, id);
    expect(await service.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - told).toBeLessThan(10_000);
    inFlight.socket.destroy();
  });

  it('ends at once when it is told again', async () => {
    const { service, client } = await open();
    const { id } = await makeJob(client);
    const inFlight = await begin(service, id);
    service.process.kill('SIGTERM');
    await waitUntil('it stops', () => isStopping(service), 5_000, 5);
    const told = performance.now();
    expect(await service.kill('SIGTERM')).toEqual({ code: 130, signal: null });
    expect(performance.now() - told).toBeLessThan(5_000);
    inFlight.socket.destroy();
    const next = await startServiceProcess(settings, service.port);
    expect((await historyOf(client, id)).map(({ name }) => name)).toEqual(['create']);
    await next.kill('SIGTERM');
  });
});
