import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import type { Connection } from '../../src/http/visit.ts';
import { createService, type Service, type ServiceOptions } from '../../src/http/service.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import type { OpenOptions } from '../../src/jobs/openEngine.ts';
import { testDatabase } from '../support/database.ts';
import { checkAnswer } from './checkAnswer.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON. */
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export interface Asking {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the request comes from; without it from this very process. */
  readonly from?: string;
}

/** A service without a port, on a database of its own. */
export interface HttpWorld {
  readonly manager: JobManager;
  readonly service: Service;
  /** Sends a request to the app itself, and holds the answer against the interface's document. */
  ask(method: string, path: string, asking?: Asking): Promise<Answered>;
  fetch(request: Request): Promise<Response>;
  /** What another process on the same database needs. */
  readonly database: { readonly uri: string; readonly database: string };
  readonly secrets: string;
  readonly home: string;
  readonly admin: string;
  readonly operator: string;
  readonly reader: string;
  readonly worker: string;
  /** A new job of the pipeline machine. */
  create(
    input?: Readonly<Record<string, unknown>>,
  ): Promise<{ id: string; token: string; callbackUrl: string }>;
}

export const origin = 'http://127.0.0.1:8787';

/** Opens one before the tests of a file, and closes it after them. Call it where hooks may be registered. */
export function httpWorld(options: OpenOptions & ServiceOptions = {}): HttpWorld {
  const { uri, database } = testDatabase();
  const secrets = `k1:${randomBytes(32).toString('base64')}`;
  const world = {} as { -readonly [Field in keyof HttpWorld]: HttpWorld[Field] };
  Object.assign(world, { database: { uri, database }, secrets });
  beforeAll(async () => {
    const home = await mkdtemp(join(tmpdir(), 'jobwright-http-'));
    world.home = home;
    const { heartbeatMs, hosts, ...open } = options;
    world.manager = await JobManager.open({
      mongodb: uri,
      database,
      secrets,
      home,
      logLevel: 'silent',
      ...open,
    });
    world.service = createService(world.manager.engine, {
      ...(heartbeatMs !== undefined && { heartbeatMs }),
      ...(hosts && { hosts }),
    });
    const app = createApp(world.service);
    world.fetch = async (request) => app.fetch(request);
    for (const kind of ['admin', 'operator', 'reader', 'worker'] as const) {
      world[kind] = world.manager.issueToken({ kind, subject: `the-${kind}` }).token;
    }
    world.ask = async (method, path, { token, body, headers = {}, from } = {}) => {
      const isRaw = typeof body === 'string' || body instanceof Uint8Array;
      const request = new Request(`${origin}${path}`, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) }),
      });
      const response = await app.fetch(request, from === undefined ? {} : connectionFrom(from));
      const answer = await answered(response);
      checkAnswer(method, new URL(request.url).pathname, answer);
      return answer;
    };
    world.create = async (input = {}) => {
      const made = await world.ask('POST', '/v1/jobs', {
        token: world.operator,
        body: { pipeline: 'p1', data: { run: randomUUID() }, ...input },
      });
      const { job, token, callbackUrl } = made.body as {
        job: { id: string };
        token: string;
        callbackUrl: string;
      };
      return { id: job.id, token, callbackUrl };
    };
    await world.manager.pipelines.put('p1', { name: 'one' });
  });
  afterAll(async () => {
    world.service?.beginStop();
    await world.service?.settle();
    await world.manager?.close();
    if (world.home) await rm(world.home, { recursive: true, force: true });
  });
  return world;
}

const connectionFrom = (remoteAddress: string): Connection => ({
  incoming: { socket: { remoteAddress } },
});

async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
    text,
  };
}
