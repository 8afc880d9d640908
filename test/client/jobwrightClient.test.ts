import { describe, expect, it } from 'vitest';
import {
  JobError,
  JobwrightClient,
  ProblemError,
  ServiceUnreachable,
} from '../../src/client/index.ts';
import { json, problem, refused, scriptedFetch } from './scriptedFetch.ts';

const url = 'http://127.0.0.1:8787/';
const token = 'header.payload.signature';
const soon = { 'Retry-After': '0' };

const failureOf = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no failure',
    (error: unknown) => error,
  );

describe('the client', () => {
  it('sends its token, a key with every write and none with a read', async () => {
    const { fetch, asked } = scriptedFetch(json({ entries: [] }), json({ jobs: [] }));
    const client = new JobwrightClient({ url, token, fetch });
    await client.send('a/b', { name: 'run', data: { msg: 'go' } }, { ifVersion: 3 });
    await client.jobs({ state: 'RUNNING', limit: 5, q: undefined });
    const [sent, listed] = asked;
    expect(sent).toMatchObject({
      method: 'POST',
      url: 'http://127.0.0.1:8787/v1/jobs/a%2Fb/events',
      body: { name: 'run', data: { msg: 'go' } },
      redirect: 'manual',
    });
    expect(sent?.headers.get('authorization')).toBe(`Bearer ${token}`);
    expect(sent?.headers.get('if-match')).toBe('"3"');
    expect(sent?.headers.get('idempotency-key')).toMatch(/^[0-9a-f-]{36}$/);
    expect(listed?.url).toBe('http://127.0.0.1:8787/v1/jobs?state=RUNNING&limit=5');
    expect(listed?.headers.get('idempotency-key')).toBeNull();
  });

  it.each([
    ['the network fails', refused()],
    ['the service is overloaded', problem(503, 'OVERLOADED', {}, soon)],
    ['it is told to come later', problem(429, 'TOO_MANY_STREAMS', {}, soon)],
    ['a gateway has no answer', new Response('<html>', { status: 502 })],
  ])('repeats a write under the same key where %s', async (_, reply) => {
    const { fetch, asked } = scriptedFetch(reply, json({ cancelled: true }));
    const client = new JobwrightClient({ url, token, fetch });
    expect(await client.cancel('job')).toEqual({ cancelled: true });
    const keys = asked.map(({ headers }) => headers.get('idempotency-key'));
    expect(keys).toEqual([keys[0], keys[0]]);
    expect(keys[0]).toBeTruthy();
  });

  it('asks for the token anew at every attempt, so that an old one is not repeated', async () => {
    const { fetch, asked } = scriptedFetch(problem(503, 'OVERLOADED', {}, soon), json({}));
    let made = 0;
    const client = new JobwrightClient({ url, fetch, token: async () => `t${(made += 1)}` });
    await client.delete('job', { reason: 'old' }, { key: 'mine' });
    expect(asked.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer t1',
      'Bearer t2',
    ]);
    expect(asked[1]?.headers.get('idempotency-key')).toBe('mine');
    expect(asked[1]?.url).toMatch(/\/v1\/jobs\/job\?reason=old$/);
  });

  it('never repeats what was refused', async () => {
    const { fetch, asked } = scriptedFetch(
      problem(409, 'INVALID_TRANSITION', { from: 'FINISHED', allowed: ['reset'], name: 'spoof' }),
    );
    const client = new JobwrightClient({ url, token, fetch });
    const error = await failureOf(client.send('job', [{ name: 'run' }]));
    expect(asked).toHaveLength(1);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toBeInstanceOf(JobError);
    expect(error).toMatchObject({
      name: 'ProblemError',
      message: 'INVALID_TRANSITION it is',
      code: 'INVALID_TRANSITION',
      status: 409,
      from: 'FINISHED',
      allowed: ['reset'],
    });
  });

  it('gives up after as many attempts as it was told, and says where it tried', async () => {
    const { fetch, asked } = scriptedFetch(refused(), refused());
    const client = new JobwrightClient({ url: `${url}base/?x=secret`, fetch, retries: 1 });
    const error = await failureOf(client.job('id'));
    expect(asked).toHaveLength(2);
    expect(error).toBeInstanceOf(ServiceUnreachable);
    expect(error).toMatchObject({ code: 'SERVICE_UNREACHABLE', url: `${url}base/v1/jobs/id` });
    expect(String(error)).toContain('ECONNREFUSED');
    expect(String(error)).not.toContain('secret');
  });

  it('gives up an attempt that takes too long, and tries again', async () => {
    const never = (_: unknown, signal: AbortSignal): Promise<Response> =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      );
    const { fetch, asked } = scriptedFetch(never, json({ jobs: [] }));
    const client = new JobwrightClient({ url, fetch, timeoutMs: 20 });
    expect(await client.jobs()).toEqual({ jobs: [] });
    expect(asked).toHaveLength(2);
  });

  it('ends with the reason of the signal, also between two attempts', async () => {
    const ending = new AbortController();
    const later = (): Response => {
      ending.abort(new Error('enough'));
      return problem(503, 'OVERLOADED', {}, { 'Retry-After': '30' });
    };
    const { fetch } = scriptedFetch(later);
    const client = new JobwrightClient({ url, fetch });
    await expect(client.jobs({}, { signal: ending.signal })).rejects.toThrow('enough');
  });

  it.each([301, 302, 307, 308])(
    'follows no redirect: its token is for one service (%i)',
    async (status) => {
      const { fetch, asked } = scriptedFetch(
        new Response(null, { status, headers: { Location: 'http://elsewhere.example/' } }),
      );
      const error = await failureOf(new JobwrightClient({ url, token, fetch }).job('id'));
      expect(asked).toHaveLength(1);
      expect(error).toBeInstanceOf(ServiceUnreachable);
      expect(String(error)).toContain('redirects');
    },
  );

  it('says so where the answer is none of a service', async () => {
    const { fetch } = scriptedFetch(
      new Response('<html>hello'),
      new Response('gone', { status: 404 }),
    );
    const client = new JobwrightClient({ url, fetch });
    expect(await failureOf(client.jobs())).toMatchObject({
      code: 'UNEXPECTED_ANSWER',
      status: 200,
    });
    expect(await failureOf(client.jobs())).toMatchObject({
      code: 'UNEXPECTED_ANSWER',
      status: 404,
    });
  });

  it('tells its token in no error, though something in between tells it back', async () => {
    const { fetch } = scriptedFetch(problem(400, 'BAD_REQUEST', { echoed: `Bearer ${token}` }));
    const error = await failureOf(new JobwrightClient({ url, token, fetch }).job('id'));
    expect(JSON.stringify(error)).not.toContain(token);
    const odd = new JobwrightClient({ url, token: 'top secret\n', fetch });
    expect(String(await failureOf(odd.job('id')))).not.toContain('top secret');
  });

  it.each(['nonsense', 'ftp://x/', 'http://me:password@127.0.0.1/'])(
    'refuses the URL %s without repeating it',
    (text) => {
      expect(() => new JobwrightClient({ url: text })).toThrow(
        expect.objectContaining({
          code: 'INVALID_CONFIGURATION',
          message: expect.not.stringMatching(/nonsense|ftp:|password@/) as string,
        }) as Error,
      );
    },
  );

  it.each(['', '.', '..'])(
    'refuses the id %j, which a URL would take for something else',
    async (id) => {
      const { fetch, asked } = scriptedFetch();
      const client = new JobwrightClient({ url, token, fetch });
      expect(await failureOf((async () => client.delete(id, { reason: 'x' }))())).toMatchObject({
        code: 'INVALID_DATA',
      });
      expect(asked).toEqual([]);
    },
  );

  it('reports to a callback URL with its token in the header, and with no other', async () => {
    const outcome = { applied: false, code: 'INVALID_TRANSITION', from: 'FINISHED' };
    const { fetch, asked } = scriptedFetch(json(outcome), json(outcome));
    const client = new JobwrightClient({ url, token, fetch });
    const callback = 'https://public.example/v1/callbacks/7?token=of.the.job&note=1';
    expect(await client.callback(callback, { status: 'RUNNING' })).toEqual(outcome);
    await client.callback('https://public.example/v1/callbacks/7', { token: 'x', status: 'X' });
    expect(asked[0]?.url).toBe('https://public.example/v1/callbacks/7?note=1');
    expect(asked[0]?.headers.get('authorization')).toBe('Bearer of.the.job');
    expect(asked[1]?.headers.get('authorization')).toBeNull();
  });

  it('reads all pages, one after another', async () => {
    const { fetch, asked } = scriptedFetch(
      json({ jobs: [{ id: 'a' }, { id: 'b' }], next: 'two' }),
      json({ jobs: [{ id: 'c' }] }),
      json({ entries: [{ seq: 1 }], next: 1 }),
      json({ entries: [{ seq: 2 }] }),
    );
    const client = new JobwrightClient({ url, fetch });
    const ids: string[] = [];
    for await (const { id } of client.allJobs({ type: 'x' })) ids.push(id);
    const seqs: number[] = [];
    for await (const { seq } of client.allHistory('a')) seqs.push(seq);
    expect({ ids, seqs }).toEqual({ ids: ['a', 'b', 'c'], seqs: [1, 2] });
    expect(asked.map((request) => request.url.replace(/^.*v1/, ''))).toEqual([
      '/jobs?limit=500&type=x',
      '/jobs?limit=500&type=x&cursor=two',
      '/jobs/a/history?limit=500',
      '/jobs/a/history?limit=500&after=1',
    ]);
  });

  it('tells whether the service is ready, and does not wait until it is', async () => {
    const { fetch, asked } = scriptedFetch(
      json({ status: 'ok' }),
      json({ status: 'stopping' }, 503),
    );
    const client = new JobwrightClient({ url, fetch });
    expect(await client.ready()).toEqual({ ready: true, status: 'ok' });
    expect(await client.ready()).toEqual({ ready: false, status: 'stopping' });
    expect(asked).toHaveLength(2);
  });
});
