import { setTimeout as delay } from 'node:timers/promises';
import type { Operation, Outcome } from './operations.ts';
import type { ServiceTokens } from './serviceProcess.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Asking {
  readonly token?: string;
  readonly body?: unknown;
  /** Idempotency key. */
  readonly key?: string;
  readonly signal?: AbortSignal;
}

/** Makes one request over the network; rejects where there is no whole answer. */
export async function ask(
  url: string,
  method: string,
  path: string,
  { token, body, key, signal }: Asking = {},
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const answered = (await response.json()) as Answer['body'];
  return { status: response.status, headers: response.headers, body: answered };
}

/** Clients of a service that comes and goes: they ask the same again until they are answered. */
export interface ServiceClient {
  /** Where the service is just now; the next attempt goes there. */
  url: string;
  /** Attempts without an answer, and answers that said to come again. */
  readonly troubles: { unanswered: number; unavailable: number };
  ask(method: string, path: string, asking?: Asking): Promise<Answered>;
  perform(operation: Operation): Promise<{ outcome: Outcome; isRepeated: boolean }>;
}

export interface Answered extends Answer {
  readonly isRepeated: boolean;
}

/** What a client waits before it asks again. */
const pauseMs = 100;
const patienceMs = 90_000;

export function createServiceClient(url: string, tokens: ServiceTokens): ServiceClient {
  const client: ServiceClient = {
    url,
    troubles: { unanswered: 0, unavailable: 0 },
    async ask(method, path, asking) {
      const deadline = performance.now() + patienceMs;
      for (let attempt = 1; ; attempt += 1) {
        const answer = await ask(client.url, method, path, asking).catch(noAnswer);
        if (answer && answer.status !== 503) return { ...answer, isRepeated: attempt > 1 };
        client.troubles[answer ? 'unavailable' : 'unanswered'] += 1;
        if (performance.now() > deadline)
          throw new Error(`${method} ${path}: not answered, last ${JSON.stringify(answer?.body)}`);
        await delay(pauseMs);
      }
    },
    async perform(operation) {
      const [method, path, asking] = requestOf(operation, tokens);
      const answer = await client.ask(method, path, asking);
      return { outcome: outcomeOf(answer, operation), isRepeated: answer.isRepeated };
    },
  };
  return client;
}

/** What fetch rejects with where the connection is refused or breaks, also in the middle of an answer. */
function noAnswer(error: unknown): undefined {
  if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
  throw error;
}

function requestOf(
  operation: Operation,
  { admin, operator }: ServiceTokens,
): [string, string, Asking] {
  const keyed = 'key' in operation && operation.key !== undefined ? { key: operation.key } : {};
  switch (operation.do) {
    case 'send': {
      const { job, events } = operation;
      return ['POST', `/v1/jobs/${job}/events`, { token: operator, body: { events }, ...keyed }];
    }
    case 'setup': {
      const { type, pipeline, data } = operation;
      return ['POST', '/v1/jobs', { token: operator, body: { type, pipeline, data } }];
    }
    case 'reset': {
      const body = { reason: 'again' };
      return ['POST', `/v1/jobs/${operation.job}/reset`, { token: admin, body, ...keyed }];
    }
    case 'delete':
      return ['DELETE', `/v1/jobs/${operation.job}?reason=over`, { token: admin }];
    case 'cancel':
      return ['POST', `/v1/jobs/${operation.job}/cancel`, { token: operator, body: {} }];
    case 'runEffects':
    case 'fireTimers':
      throw new Error(`${operation.do} is nothing that a client can ask for`);
  }
}

function outcomeOf({ status, body }: Answer, operation: Operation): Outcome {
  if (status >= 400) return { ok: false, code: String(body['code']), error: body };
  const { job, entries = [] } = body as {
    job?: { id: string; state: string; version: number };
    entries?: { seq: number; hash: string }[];
  };
  const id = 'job' in operation ? operation.job : (job?.id ?? '');
  return {
    ok: true,
    job: id,
    state: job?.state ?? '',
    version: job?.version ?? 0,
    entries: entries.map(({ seq, hash }) => ({ seq, hash })),
  };
}
