import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { InvalidConfiguration } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { createApp } from './app.ts';
import {
  namesItsHost,
  refuseHostless,
  refuseUnreadable,
  tellBrokenRequests,
} from './brokenRequests.ts';
import { createService, type ServiceOptions } from './service.ts';

export interface ServeOptions extends ServiceOptions {
  /** The address to listen on; 127.0.0.1, so nothing from outside gets in unless told. */
  readonly host?: string;
  /** 0 takes any that is free. */
  readonly port?: number;
  /** Callback URLs lead to where it listens, as nobody named another address. */
  readonly isItsOwnAddress?: boolean;
  /** Milliseconds between readiness going off and the end of listening: for a balancer to look elsewhere. */
  readonly drainMs?: number;
}

export interface RunningService {
  /** Where it listens. */
  readonly url: string;
  /**
   * Readiness goes off and streams end; after `drainMs` nothing new is taken, and what is in flight is
   * finished; what is not by then is cut off. The engine stays open.
   */
  stop(): Promise<void>;
}

/** How long requests in flight have to end, in milliseconds; a stop as a whole stays below 10 s. */
const graceMs = 6_000;
const timeouts = { headersTimeout: 15_000, requestTimeout: 30_000, keepAliveTimeout: 65_000 };

/** Serves an engine over HTTP. Rejects with InvalidConfiguration where it cannot listen. */
export async function startService(
  engine: Engine,
  given: ServeOptions = {},
): Promise<RunningService> {
  const { host = '127.0.0.1', port = 8787, hosts = [], ...options } = given;
  const { isItsOwnAddress, drainMs = 0 } = options;
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
    if (namesItsHost(incoming)) void listener(incoming, outgoing);
    else refuseHostless(outgoing);
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
      if (drainMs > 0) await new Promise((resolve) => setTimeout(resolve, drainMs));
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
  /** A socket may be gone before its last response is: put back, it would be kept for ever. */
  const count = (socket: Socket, more: 1 | -1): number => {
    const known = requests.get(socket);
    const now = (known ?? 0) + more;
    if (known !== undefined) requests.set(socket, now);
    return now;
  };
  let isClosing = false;
  server.on('connection', (socket: Socket) => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
  });
  server.on('request', ({ socket }, response) => {
    count(socket, 1);
    response.once('close', () => {
      const left = count(socket, -1);
      if (isClosing && left === 0) socket.end();
    });
  });
  return {
    closeOnceIdle() {
      isClosing = true;
      for (const [socket, under] of requests) if (under === 0) socket.destroy();
    },
  };
}

function urlOf({ address, family, port }: AddressInfo): string {
  // Whoever listens on every address is reached on this machine under loopback.
  const own = ['0.0.0.0', '::'].includes(address) ? '127.0.0.1' : address;
  const name = family === 'IPv6' && own === address ? `[${address}]` : own;
  return `http://${name}:${port}`;
}
