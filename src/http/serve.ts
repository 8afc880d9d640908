import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { InvalidConfiguration } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { createApp } from './app.ts';
import { problemOf, standingHeaders } from './problem.ts';
import { RequestError } from './requestError.ts';
import { createService, type ServiceOptions } from './service.ts';

export interface ServeOptions extends ServiceOptions {
  /** The address to listen on; 127.0.0.1, so nothing from outside gets in unless told. */
  readonly host?: string;
  /** 0 takes any that is free. */
  readonly port?: number;
  /** Callback URLs lead to where it listens, as nobody named another address. */
  readonly isItsOwnAddress?: boolean;
}

export interface RunningService {
  /** Where it listens. */
  readonly url: string;
  /**
   * Readiness goes off, nothing new is taken, streams end, and what is in flight is finished; what is not
   * by then is cut off. The engine stays open.
   */
  stop(): Promise<void>;
}

/** How long requests in flight have to end, in milliseconds; a stop as a whole stays below 10 s. */
const graceMs = 6_000;
const timeouts = { headersTimeout: 15_000, requestTimeout: 30_000, keepAliveTimeout: 65_000 };

/** Serves an engine over HTTP. Rejects with InvalidConfiguration where it cannot listen. */
export async function startService(
  engine: Engine,
  { host = '127.0.0.1', port = 8787, hosts = [], isItsOwnAddress, ...options }: ServeOptions = {},
): Promise<RunningService> {
  // Known once it listens, and not asked for before.
  let url = engine.publicUrl;
  const served = {
    ...engine,
    get publicUrl() {
      return isItsOwnAddress ? url : engine.publicUrl;
    },
  };
  const service = createService(served, { ...options, hosts: [host, ...hosts] });
  const app = createApp(service);
  const listener = getRequestListener((request, env) => app.fetch(request, env), {
    errorHandler: refuseUnreadable,
    hostname: '127.0.0.1',
  });
  // A request without a host is told so by a problem as well.
  const server = createServer({ ...timeouts, requireHostHeader: false }, (incoming, outgoing) => {
    void listener(incoming, outgoing);
  });
  tellBrokenRequests(server);
  const connections = watchConnections(server);
  await listen(server, host, port);
  url = urlOf(server.address() as AddressInfo);
  engine.telemetry.emit('service.started', { listening: url });
  return {
    url,
    async stop() {
      engine.telemetry.emit('service.stopping', { reason: 'asked to' });
      service.beginStop();
      await close(server, connections);
      await service.settle();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new InvalidConfiguration(
          'JOBWRIGHT_PORT',
          `cannot listen on ${host} port ${port} (${error.code}); free it, or give another`,
        ),
      ),
    );
    server.listen(port, host, resolve);
  });
}

async function close(server: Server, connections: Connections): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  connections.closeOnceIdle();
  const cutOff = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(cutOff);
}

interface Connections {
  /** Hangs up wherever no request is being answered, and elsewhere as soon as that is done. */
  closeOnceIdle(): void;
}

/** Node itself keeps a connection on which nothing has been sent yet, and one that is kept alive. */
function watchConnections(server: Server): Connections {
  const requests = new Map<Socket, number>();
  let isClosing = false;
  server.on('connection', (socket: Socket) => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (requests.get(socket) ?? 1) - 1;
      requests.set(socket, left);
      if (isClosing && left === 0) socket.end();
    });
  });
  return {
    closeOnceIdle() {
      isClosing = true;
      for (const [socket, count] of requests) if (count === 0) socket.destroy();
    },
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  // Whoever listens on every address is reached on this machine under loopback.
  const own = ['0.0.0.0', '::'].includes(address) ? '127.0.0.1' : address;
  const name = family === 'IPv6' && own === address ? `[${address}]` : own;
  return `http://${name}:${port}`;
}

const badRequest = (what: string): RequestError =>
  new RequestError('BAD_REQUEST', `The request cannot be read: ${what}`);

/** What no Request can be made of: its host or its path is not well formed. */
const refuseUnreadable = (): Response => {
  const problem = problemOf(badRequest('its host or its path is malformed'));
  const headers = { ...standingHeaders, 'Content-Type': 'application/problem+json' };
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
};

/** Tells what is wrong with bytes that are no HTTP request, then hangs up. */
function tellBrokenRequests(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    const [status, text] = brokenBy[error.code ?? ''] ?? [400, 'it is no HTTP'];
    writeRaw(socket, status, text);
  });
  server.on('connect', (_request, socket: Socket) => writeRaw(socket, 405, 'it asks for a tunnel'));
  server.on('checkExpectation', (_request, response) => {
    response.writeHead(417, { 'Content-Type': 'application/problem+json', Connection: 'close' });
    response.end(JSON.stringify(problemOf(badRequest('it expects what is not known here'), 417)));
  });
}

const brokenBy: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'its headers are too long'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'it did not come in time'],
};

function writeRaw(socket: Socket, status: number, what: string): void {
  const body = JSON.stringify(problemOf(badRequest(what), status));
  const head = [
    `HTTP/1.1 ${status} ${status === 400 ? 'Bad Request' : 'Refused'}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'X-Content-Type-Options: nosniff',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
