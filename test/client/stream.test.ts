import { describe, expect, it } from 'vitest';
import { JobwrightClient, type StreamEntry, type StreamGap } from '../../src/client/index.ts';
import { problem, refused, scriptedFetch, streamOf } from './scriptedFetch.ts';

const url = 'http://127.0.0.1:8787';
const entry = (position: string, name: string): string =>
  `id: ${position}\nevent: entry\ndata: ${JSON.stringify({ name, jobId: 'j', type: 'pipelineJob' })}\n\n`;

/** Takes so many items, and then has had enough. */
const take = async (
  items: AsyncIterable<StreamEntry | StreamGap>,
  count: number,
): Promise<(StreamEntry | StreamGap)[]> => {
  const taken: (StreamEntry | StreamGap)[] = [];
  for await (const item of items) if (taken.push(item) === count) break;
  return taken;
};

describe('the stream of the client', () => {
  it('gives entries, and marks gaps', async () => {
    const { fetch, asked } = scriptedFetch(
      streamOf(': heartbeat\n\n', entry('p1', 'run'), 'id: p2\nevent: gap\ndata: {}\n\n'),
    );
    const client = new JobwrightClient({ url, token: 't', fetch });
    expect(await take(client.stream({ state: 'RUNNING', q: 'run-7' }), 2)).toEqual([
      { name: 'run', jobId: 'j', type: 'pipelineJob', position: 'p1' },
      { gap: true, position: 'p2' },
    ]);
    expect(asked[0]?.url).toBe(`${url}/v1/stream?state=RUNNING&q=run-7`);
    expect(asked[0]?.headers.get('accept')).toBe('text/event-stream');
    expect(asked[0]?.headers.get('last-event-id')).toBeNull();
  });

  it('goes on by itself from where it broke, whatever broke it', async () => {
    const { fetch, asked } = scriptedFetch(
      streamOf('id: p0.5\n\n'),
      streamOf(entry('p1', 'run')),
      refused(),
      problem(503, 'STOPPING', {}, { 'Retry-After': '0' }),
      streamOf(entry('p2', 'finish')),
    );
    const client = new JobwrightClient({ url, token: 't', fetch });
    const breaks: string[] = [];
    let opened = 0;
    const stream = client.stream(
      {},
      {
        lastEventId: 'p0',
        onOpen: () => (opened += 1),
        onBreak: ({ message }) => breaks.push(message),
      },
    );
    const names = (await take(stream, 2)).map((item) => (item.gap ? 'gap' : item.name));
    expect(names).toEqual(['run', 'finish']);
    expect(opened).toBe(3);
    expect(breaks).toHaveLength(2);
    const from = asked.map(({ headers }) => headers.get('last-event-id'));
    expect(from).toEqual(['p0', 'p0.5', 'p1', 'p1', 'p1']);
  });

  it('ends where it is refused', async () => {
    const { fetch, asked } = scriptedFetch(problem(401, 'UNAUTHENTICATED'));
    const client = new JobwrightClient({ url, fetch });
    await expect(take(client.stream(), 1)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(asked).toHaveLength(1);
  });

  it('gives up where it never opened', async () => {
    const { fetch, asked } = scriptedFetch(refused(), refused(), refused(), refused());
    const client = new JobwrightClient({ url, fetch });
    await expect(take(client.stream(), 1)).rejects.toMatchObject({ code: 'SERVICE_UNREACHABLE' });
    expect(asked).toHaveLength(4);
  });

  it('ends without an error when its signal is raised', async () => {
    const ending = new AbortController();
    const open = (_: unknown, signal: AbortSignal): Response =>
      new Response(
        new ReadableStream({
          start: (controller) =>
            signal.addEventListener('abort', () => controller.error(signal.reason)),
        }),
      );
    const { fetch } = scriptedFetch(open);
    const client = new JobwrightClient({ url, fetch });
    const { signal } = ending;
    expect(await take(client.stream({}, { signal, onOpen: () => ending.abort() }), 1)).toEqual([]);
  });
});
