import { connect, type Socket } from 'node:net';

/** One answer as it came over the wire. */
export interface Reply {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface Exchange {
  readonly replies: readonly Reply[];
  /** What came and was no answer. */
  readonly rest: Buffer;
  readonly milliseconds: number;
  /** Why there is no whole answer, where that is so. */
  readonly broken?: string;
}

/** How long anything may take before it counts as a hang. */
export const patienceMs = 10_000;
/** After so long without a word the other side is taken to wait for the rest of a request. */
const quietMs = 150;

/** Connections to one service, kept alive between requests. */
export interface WireClient {
  /** Sends a whole request, and resolves to its answer. A stream of events is left as soon as it begins. */
  send(request: Buffer, method: string): Promise<Exchange>;
  /** Sends what need not be a request, on a connection of its own, until the other side hangs up. */
  sendBroken(pieces: readonly Buffer[]): Promise<Exchange>;
  close(): void;
}

export function createWireClient(url: string): WireClient {
  const { hostname, port } = new URL(url);
  const idle: Socket[] = [];
  const open = (): Socket => connect({ host: hostname, port: Number(port), noDelay: true });

  const send: WireClient['send'] = async (request, method) => {
    const kept = idle.pop();
    const socket = kept ?? open();
    const exchange = await sendOn(socket, request, method);
    const [reply] = exchange.replies;
    // It may have hung up on an idle connection just as we came.
    if (!reply && kept && exchange.milliseconds < 1_000) return send(request, method);
    if (reply && isKept(reply) && exchange.rest.length === 0 && !socket.destroyed) {
      idle.push(socket);
      socket.once('close', () => {
        const place = idle.indexOf(socket);
        if (place >= 0) idle.splice(place, 1);
      });
    } else socket.destroy();
    return exchange;
  };

  return {
    send,
    sendBroken: (pieces) => sendUntilClosed(open(), pieces),
    close() {
      for (const socket of idle) socket.destroy();
    },
  };
}

const isKept = ({ headers }: Reply): boolean =>
  headers.get('connection') !== 'close' && !isStream(headers);

const isStream = (headers: Reply['headers']): boolean =>
  headers.get('content-type')?.startsWith('text/event-stream') ?? false;

function sendOn(socket: Socket, request: Buffer, method: string): Promise<Exchange> {
  const started = performance.now();
  return new Promise((resolve) => {
    let received: Buffer = Buffer.alloc(0);
    const finish = (found: Partial<Exchange>): void => {
      clearTimeout(timer);
      socket.removeAllListeners('data').removeAllListeners('close').removeAllListeners('error');
      socket.on('error', () => undefined);
      const milliseconds = performance.now() - started;
      resolve({ replies: [], rest: received, milliseconds, ...found });
    };
    const look = (isClosed: boolean): boolean => {
      const found = readReply(received, method, isClosed);
      if (!found) return false;
      finish({ replies: [found.reply], rest: found.rest });
      return true;
    };
    const timer = setTimeout(() => finish({ broken: 'no answer in time' }), patienceMs);
    socket.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
      look(false);
    });
    // What was answered before the connection broke counts.
    socket.on('error', () => undefined);
    socket.on('close', () => look(true) || finish({ broken: 'hung up without an answer' }));
    socket.write(request);
  });
}

/** Half closes once nothing more comes, so that a request that is not complete is told so. */
function sendUntilClosed(socket: Socket, pieces: readonly Buffer[]): Promise<Exchange> {
  const started = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let halfClosed = 0;
    const end = (broken?: string): void => {
      clearTimeout(timer);
      clearTimeout(quiet);
      socket.destroy();
      const { replies, rest } = readReplies(Buffer.concat(chunks));
      const milliseconds = performance.now() - (halfClosed || started);
      resolve({ replies, rest, milliseconds, ...(broken !== undefined && { broken }) });
    };
    const halfClose = (): void => {
      halfClosed = performance.now();
      socket.end();
    };
    const timer = setTimeout(() => end('did not hang up in time'), patienceMs);
    const quiet = setTimeout(halfClose, quietMs);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      // A stream of events goes on for ever.
      if (/^content-type: text\/event-stream/im.test(chunk.toString('latin1'))) end();
      else if (halfClosed === 0) quiet.refresh();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => end());
    for (const piece of pieces) socket.write(piece);
  });
}

/** All answers in what came on one connection, each to a request that wants a body. */
function readReplies(received: Buffer): { replies: Reply[]; rest: Buffer } {
  const replies: Reply[] = [];
  let rest = received;
  for (;;) {
    const found = readReply(rest, 'GET', true);
    if (!found) return { replies, rest };
    replies.push(found.reply);
    rest = found.rest;
  }
}

function readReply(
  received: Buffer,
  method: string,
  isClosed: boolean,
): { reply: Reply; rest: Buffer } | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = received.subarray(0, end).toString('latin1').split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const after = received.subarray(end + 4);
  if (status >= 100 && status < 200) return readReply(after, method, isClosed);
  const body = isStream(headers) ? after : readContent(after, headers, method, isClosed);
  if (body === undefined) return undefined;
  const { content, size } = Buffer.isBuffer(body) ? { content: body, size: body.length } : body;
  return { reply: { status, headers, body: content }, rest: after.subarray(size) };
}

function readContent(
  bytes: Buffer,
  headers: Reply['headers'],
  method: string,
  isClosed: boolean,
): Buffer | { content: Buffer; size: number } | undefined {
  if (method === 'HEAD') return Buffer.alloc(0);
  const length = headers.get('content-length');
  if (length !== undefined) {
    return bytes.length >= Number(length) ? bytes.subarray(0, Number(length)) : undefined;
  }
  if (headers.get('transfer-encoding') !== 'chunked') return isClosed ? bytes : undefined;
  const chunks: Buffer[] = [];
  for (let place = 0; ;) {
    const lineEnd = bytes.indexOf('\r\n', place);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', place, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return { content: Buffer.concat(chunks), size: next };
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    place = next;
  }
}
