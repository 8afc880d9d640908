import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startService, type RunningService } from '../../src/http/serve.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { httpWorld, origin } from './world.ts';

const world = httpWorld({ heartbeatMs: 40, limits: { streams: 3 } });

interface Message {
  readonly id?: string;
  readonly event?: string;
  readonly data?: Record<string, unknown>;
}

/** Reads a stream message by message; comments are counted. */
class Reader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = '';
  comments = 0;
  lastId = '';

  constructor(response: Response) {
    if (!response.body) throw new Error('no body');
    this.#reader = response.body.getReader();
  }

  /** The next message with data; null at the end. */
  async next(): Promise<Message | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end < 0) {
        const { done, value } = await this.#reader.read();
        if (done) return null;
        this.#text += Buffer.from(value).toString();
        continue;
      }
      const lines = this.#text.slice(0, end).split('\n');
      this.#text = this.#text.slice(end + 2);
      if (lines.some((line) => line.startsWith(':'))) this.comments += 1;
      const field = (name: string) =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      this.lastId = field('id') ?? this.lastId;
      const data = field('data');
      if (data === undefined) continue;
      return {
        id: this.lastId,
        event: field('event') ?? 'message',
        data: JSON.parse(data) as Record<string, unknown>,
      };
    }
  }

  async take(count: number): Promise<Message[]> {
    const messages: Message[] = [];
    while (messages.length < count) {
      const message = await this.next();
      if (!message) break;
      messages.push(message);
    }
    return messages;
  }

  close(): Promise<void> {
    return this.#reader.cancel();
  }
}

async function follow(query = '', headers: Record<string, string> = {}, token = world.reader) {
  const response = await world.fetch(
    new Request(`${origin}/v1/stream${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    }),
  );
  return { response, reader: response.status === 200 ? new Reader(response) : undefined };
}

const followed = async (query = '', headers: Record<string, string> = {}): Promise<Reader> => {
  const { response, reader } = await follow(query, headers);
  if (!reader) throw new Error(`refused: ${response.status}`);
  return reader;
};

const seqs = (messages: readonly Message[]) => messages.map(({ data }) => data?.['seq']);

describe('GET /v1/stream', () => {
  it('tells each entry as the history has it, with its job and type', async () => {
    const reader = await followed();
    const { id, token } = await world.create();
    const body = { events: [{ name: 'run', data: { host: 'n1' } }, { name: 'finish' }] };
    await world.ask('POST', `/v1/jobs/${id}/events`, { token, body });
    const messages = await reader.take(3);
    const { entries } = await (await world.manager.job(id)).history();
    expect(messages.map(({ event }) => event)).toEqual(['entry', 'entry', 'entry']);
    expect(messages.map(({ data }) => data)).toEqual(
      entries.map((entry) => ({ ...entry, jobId: id, type: 'pipelineJob' })),
    );
    await reader.close();
  });

  it('goes on right after the last id, also in the middle of a chain, and from its start', async () => {
    const first = await followed();
    const { id, token } = await world.create();
    const body = { events: [{ name: 'run' }, { name: 'update' }, { name: 'update' }] };
    await world.ask('POST', `/v1/jobs/${id}/events`, { token, body });
    const seen = await first.take(2);
    expect(seqs(seen)).toEqual([1, 2]);
    await first.close();
    await world.ask('POST', `/v1/jobs/${id}/events`, { token, body: { name: 'finish' } });
    const byHeader = await followed('', { 'Last-Event-ID': seen[1]?.id ?? '' });
    expect(seqs(await byHeader.take(3))).toEqual([3, 4, 5]);
    await byHeader.close();
    const byQuery = await followed(`?lastEventId=${encodeURIComponent(seen[0]?.id ?? '')}`);
    expect(seqs(await byQuery.take(4))).toEqual([2, 3, 4, 5]);
    await byQuery.close();
  });

  it('gives an id before the first entry, so that nothing is missed after an early loss', async () => {
    const early = await followed();
    const { reader } = await follow();
    await waitUntil(
      'a sign of life',
      async () => {
        const { id } = await world.create();
        const message = await reader?.next();
        return message?.data?.['jobId'] === id || 'nothing';
      },
      5_000,
    );
    const start = early.lastId;
    expect(start).toBe('');
    const seen = await early.next();
    expect(seen?.data?.['seq']).toBe(1);
    await early.close();
    await reader?.close();
  });

  it.each([
    ['state=FINISHED', [3]],
    ['type=pipelineJob', [1, 2, 3]],
    ['tag=wanted', [1, 2, 3]],
    ['q=wanted', [1, 2, 3]],
    ['pipeline=p1&state=RUNNING', [2]],
  ])('tells only what the filter lets through: %s', async (filter, expected) => {
    const reader = await followed(`?${filter}`);
    const others = await world.create({ tags: ['other'] });
    const { id, token } = await world.create({ tags: ['wanted'] });
    const events = { events: [{ name: 'run' }, { name: 'finish' }] };
    await world.ask('POST', `/v1/jobs/${id}/events`, { token, body: events });
    const messages: Message[] = [];
    while (messages.length < expected.length) {
      const message = await reader.next();
      if (message?.data?.['jobId'] === others.id && filter.includes('wanted')) {
        throw new Error('another job came through');
      }
      if (message?.data?.['jobId'] === id) messages.push(message);
    }
    expect(seqs(messages)).toEqual(expected);
    await reader.close();
  });

  it('gives a sign of life while nothing happens', async () => {
    const reader = await followed('?tag=nothing-ever');
    const never = reader.next();
    await waitUntil('three signs', async () => reader.comments >= 3 || `${reader.comments}`, 5_000);
    await reader.close();
    await never.catch(() => undefined);
  });

  it('gives one actor so many streams, and room again once one is closed', async () => {
    const open = await Promise.all([followed(), followed(), followed()]);
    const { response } = await follow();
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('10');
    expect(((await response.json()) as { code: string }).code).toBe('TOO_MANY_STREAMS');
    // Another actor is not in the way.
    const { reader: another } = await follow('', {}, world.operator);
    await another?.close();
    await open[0]?.close();
    open.push(await followed());
    for (const reader of open.slice(1)) await reader.close();
    await waitUntil(
      'no follower is left',
      async () => world.manager.engine.feed.followers === 0 || 'some',
      5_000,
    );
  });

  it('ends with its token', async () => {
    const { token } = world.manager.issueToken({ kind: 'reader', subject: 'brief', ttl: 1 });
    const { reader } = await follow('', {}, token);
    expect(await reader?.next()).toBeNull();
    expect((await follow('', {}, token)).response.status).toBe(401);
  });

  it.each(['nonsense', '0', `${'f'.repeat(3_000)}.0`])('refuses %s as a place', async (place) => {
    const { response } = await follow('', { 'Last-Event-ID': place });
    expect(response.status).toBe(400);
  });
});

describe('a client that does not read', () => {
  let running: RunningService;
  beforeAll(async () => {
    running = await startService(world.manager.engine, { port: 0, heartbeatMs: 50 });
  });
  afterAll(() => running.stop());

  it('but only asks for the headers gets them, and the connection stays', async () => {
    const { hostname, port } = new URL(running.url);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization: `Bearer ${world.reader}` };
        const options = { agent, hostname, port, path: '/v1/stream', method: 'HEAD', headers };
        request(options, (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode));
        })
          .once('error', reject)
          .end();
      });
    for (let time = 0; time < 100; time += 1) expect(await ask()).toBe(200);
    agent.destroy();
    expect(world.manager.engine.feed.followers).toBe(0);
  });

  it('is cut off, and memory does not grow for it', async () => {
    const { hostname, port } = new URL(running.url);
    const socket = await new Promise<Socket>((resolve) => {
      const opened = connect(Number(port), hostname, () => resolve(opened));
    });
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    // Never read: what the kernel takes in is all that it gets.
    socket.pause();
    socket.write(
      `GET /v1/stream HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${world.reader}\r\n\r\n`,
    );
    const { feed } = world.manager.engine;
    await waitUntil('it follows', async () => feed.followers === 1 || 'nobody', 5_000);
    const { id } = await world.create();
    const job = await world.manager.job(id);
    const data = { text: 'x'.repeat(200_000) };
    let sent = 0;
    while (feed.followers > 0 && sent < 400) {
      await job.send('update', data);
      sent += 1;
    }
    expect(feed.followers).toBe(0);
    socket.resume();
    await ended;
    // Far less than what was sent waited for it.
    expect(sent).toBeGreaterThan(1);
    expect(sent).toBeLessThan(400);
  });
});
