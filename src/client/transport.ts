import { ServiceUnreachable } from './clientErrors.ts';
import { checkToken, readUrl } from './checkOptions.ts';
import { pause, pauseBefore } from './pause.ts';
import { readAnswer, readProblem, type Answer } from './readAnswer.ts';
import { withDeadline } from './withDeadline.ts';

export interface ClientOptions {
  /** Where the service is, such as `http://127.0.0.1:8787`. Holds no user and no query. */
  readonly url: string;
  /** The token, or what gives one; asked anew for every request. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  readonly fetch?: typeof fetch | undefined;
  /** How often a request without an answer, or told to come later, is made again. Default 3. */
  readonly retries?: number | undefined;
  /** Milliseconds after which an attempt without a whole answer is given up. Default 30,000. */
  readonly timeoutMs?: number | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  /** Idempotency key. Give your own to be able to repeat the call yourself; without one it has a random one. */
  readonly key?: string | undefined;
}

export interface SendCallOptions extends WriteOptions {
  /** Only if this is the job's version; else the service refuses with VERSION_MISMATCH. */
  readonly ifVersion?: number | undefined;
}

export interface Request extends SendCallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the service's URL, or a whole URL. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly body?: unknown;
  /** Instead of the client's token; null: none. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** A failure's status that has an answer of its own, which is the final one. */
  readonly accepts?: number;
  /** The answer is a plain text, and its `json` that text. */
  readonly readsText?: boolean;
}

/** Makes requests: with the token, with a key on every write, and again where that is safe. */
export interface Transport {
  /** Of the service, for messages. */
  readonly url: string;
  /** The answer's status and JSON. Throws ProblemError or ServiceUnreachable. */
  request(request: Request): Promise<Answer>;
  /** One attempt. The answer's body is the caller's to read; the signal ends it. */
  open(request: Request & { readonly signal: AbortSignal }): Promise<Response>;
}

export function createTransport(options: ClientOptions): Transport {
  const { retries = 3, timeoutMs = 30_000 } = options;
  const base = readUrl('url', options.url)
    .href.replace(/[?#].*$/, '')
    .replace(/\/+$/, '');
  const prepare = (request: Request) => prepareRequest(base, options, request);
  return {
    url: base,
    async request(request) {
      // One key for all attempts: that is what makes a second one safe.
      const keyed = { ...request, key: request.key ?? newKey(request) };
      for (let attempt = 1; ; attempt += 1) {
        const prepared = await prepare(keyed);
        const outcome = await tryOnce(prepared, timeoutMs, keyed);
        if ('json' in outcome) return outcome;
        if (!outcome.again || attempt > retries) throw outcome.error;
        await pause(pauseBefore(attempt, outcome.retryAfter), request.signal);
      }
    },
    async open(request) {
      const prepared = await prepare(request);
      const response = await fetchAnswer(prepared, request.signal);
      if (response.ok) return response;
      throw (await readProblem(response, prepared.token)).error;
    },
  };
}

/** A failure, and whether another attempt may do better. */
interface Failure {
  readonly error: Error;
  readonly again: boolean;
  readonly retryAfter?: string | undefined;
}

async function tryOnce(
  prepared: Prepared,
  timeoutMs: number,
  { signal, ...reading }: Request,
): Promise<Answer | Failure> {
  try {
    return await withDeadline(signal, timeoutMs, async (ending) =>
      readAnswer(await fetchAnswer(prepared, ending), prepared.token, reading),
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof ServiceUnreachable) return { error, again: false };
    const unreachable = new ServiceUnreachable(prepared.shown, reasonOf(error), { cause: error });
    return { error: unreachable, again: true };
  }
}

interface Prepared {
  readonly url: URL;
  /** Where to, without what may hold a token. */
  readonly shown: string;
  readonly token: string | undefined;
  readonly init: RequestInit;
  readonly fetch: typeof fetch;
}

async function prepareRequest(
  base: string,
  options: ClientOptions,
  request: Request,
): Promise<Prepared> {
  const { method, path, query = {}, body, key, ifVersion } = request;
  const url = path.startsWith('/') ? new URL(`${base}${path}`) : readUrl('callback URL', path);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const token = await tokenFor(options, request);
  const headers: Record<string, string> = {
    Accept: 'application/json, application/problem+json',
    ...(body !== undefined && { 'Content-Type': 'application/json' }),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(key !== undefined && { 'Idempotency-Key': key }),
    ...(ifVersion !== undefined && { 'If-Match': `"${ifVersion}"` }),
    ...request.headers,
  };
  const init: RequestInit = {
    method,
    headers,
    // After a redirect the token would be somebody else's.
    redirect: 'manual',
    credentials: 'omit',
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  // A browser's own fetch must not be called as a method of something else.
  const { fetch: own = (...all: Parameters<typeof fetch>) => fetch(...all) } = options;
  return { url, shown: `${url.origin}${url.pathname}`, token, init, fetch: own };
}

async function tokenFor(options: ClientOptions, request: Request): Promise<string | undefined> {
  if (request.token !== undefined) return checkToken(request.token ?? undefined);
  const { token } = options;
  return checkToken(typeof token === 'function' ? await token() : token);
}

/** The head of the answer; one that leads elsewhere is none. */
async function fetchAnswer(prepared: Prepared, signal: AbortSignal): Promise<Response> {
  const { url, init, shown, fetch } = prepared;
  const response = await fetch(url, { ...init, signal });
  const { type, status } = response;
  if (type !== 'opaqueredirect' && (status < 300 || status >= 400)) return response;
  await response.body?.cancel();
  throw new ServiceUnreachable(shown, 'it redirects, and a token is not sent after that');
}

/** What a network error says, with the cause behind fetch's "fetch failed". */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the network failed';
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : error.message;
  return code === '' || reason.includes(code) ? reason : `${reason} (${code})`;
}

const newKey = ({ method }: Request): string | undefined =>
  method === 'GET' ? undefined : crypto.randomUUID();
