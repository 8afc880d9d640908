import { connect, type Socket } from 'node:net';

export interface HttpLoad {
  readonly url: string;
  readonly connections: number;
  readonly milliseconds: number;
  /** The path and the body of the next request of a connection. */
  readonly next: (connection: number) => { path: string; body: string; key: string };
}

export interface HttpOutcome {
  readonly answered: number;
  /** Not 2xx. */
  readonly refused: number;
  readonly seconds: number;
  readonly latencies: readonly number[];
}

/**
 * Keeps connections busy with POST requests, one at a time each, kept alive. Written on bare sockets: a
 * client that costs as much as the server would measure itself.
 */
export async function loadOverHttp(load: HttpLoad): Promise<HttpOutcome> {
  const { connections, milliseconds } = load;
  const started = performance.now();
  const deadline = started + milliseconds;
  const latencies: number[] = [];
  let refused = 0;
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      const client = await openConnection(load.url);
      while (performance.now() < deadline) {
        const { path, body, key } = load.next(connection);
        const begun = performance.now();
        const status = await client.post(path, body, key);
        latencies.push(performance.now() - begun);
        if (status < 200 || status > 299) refused += 1;
      }
      client.close();
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  return { answered: latencies.length, refused, seconds, latencies };
}

interface Connection {
  post(path: string, body: string, key: string): Promise<number>;
  close(): void;
}

async function openConnection(url: string): Promise<Connection> {
  const { hostname, port, host } = new URL(url);
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect(Number(port), hostname, () => resolve(opened));
    opened.once('error', reject);
  });
  socket.setNoDelay(true);
  let told: (status: number) => void = () => undefined;
  let failed: (error: Error) => void = () => undefined;
  let buffer = '';
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    buffer += chunk;
    const head = buffer.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(buffer.slice(0, head))?.[1]);
    const end = head + 4 + length;
    if (Number.isNaN(length))
      failed(new Error(`an answer without a length: ${buffer.slice(0, head)}`));
    if (buffer.length < end) return;
    const status = Number(buffer.slice(9, 12));
    buffer = buffer.slice(end);
    told(status);
  });
  socket.on('error', (error) => failed(error));
  socket.on('close', () => failed(new Error('the server hung up')));
  return {
    post: (path, body, key) =>
      new Promise((resolve, reject) => {
        [told, failed] = [resolve, reject];
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
            `Idempotency-Key: ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
      }),
    close: () => socket.destroy(),
  };
}
