import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readServerSentEvents, type ServerSentEvent } from '../../src/client/serverSentEvents.ts';
import { bytesOf } from './scriptedFetch.ts';

const text = [
  '\uFEFF: heartbeat\n\n',
  'id: 1\nevent: entry\ndata: {"a":\ndata: "ä😀"}\n\n',
  'id: 2\r\nevent: gap\r\ndata:\r\n\r\n',
  'data:  two blanks\rretry: 5\rnonsense\r\r',
  'event: lost without its end\ndata: x\n',
].join('');

const messages: ServerSentEvent[] = [
  { event: 'entry', data: '{"a":\n"ä😀"}', id: '1' },
  { event: 'gap', data: '', id: '2' },
  { event: 'message', data: ' two blanks', id: '2' },
];

const readAll = async (pieces: readonly (string | Uint8Array)[]): Promise<ServerSentEvent[]> => {
  const all: ServerSentEvent[] = [];
  for await (const message of readServerSentEvents(bytesOf(pieces))) all.push(message);
  return all;
};

describe('a stream of server-sent events', () => {
  it('gives its messages, of whatever line ends', async () => {
    expect(await readAll([text])).toEqual(messages);
  });

  it('gives the same wherever its bytes are cut', async () => {
    const bytes = new TextEncoder().encode(text);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 30 }), async (places) => {
        const cuts = [0, ...places.sort((one, other) => one - other), bytes.length];
        const pieces = cuts.slice(1).map((end, index) => bytes.slice(cuts[index], end));
        expect(await readAll(pieces)).toEqual(messages);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a message that does not end', async () => {
    const endless = Array.from({ length: 20 }, () => `data: ${'x'.repeat(1024 * 1024)}\n`);
    await expect(readAll(endless)).rejects.toThrow('does not end');
  });

  it('lets go of the connection when its reader has had enough', async () => {
    let isCancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new TextEncoder().encode('data: x\n\n')),
      cancel: () => void (isCancelled = true),
    });
    for await (const { data } of readServerSentEvents(body)) {
      expect(data).toBe('x');
      break;
    }
    expect(isCancelled).toBe(true);
  });
});
