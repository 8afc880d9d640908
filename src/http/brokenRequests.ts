import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { problemOf, standingHeaders, type Problem } from './problem.ts';
import { RequestError } from './requestError.ts';

/** Tells what is wrong with bytes that are no request for this service, then hangs up. */
export function tellBrokenRequests(server: Server): void {
  const newest = new WeakMap<Socket, ServerResponse>();
  const broken = new WeakSet<Socket>();
  server.on('request', ({ socket }, outgoing) => newest.set(socket, outgoing));
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const outgoing = newest.get(socket);
    const isBefore = outgoing?.req.complete === true && !outgoing.writableFinished;
    const isAnswered = outgoing?.req.complete === false && outgoing.headersSent;
    // After an answer that ends the connection nothing may follow.
    const isLast = (): boolean => outgoing?.shouldKeepAlive === false && outgoing.headersSent;
    const isTold = broken.has(socket) || isAnswered || (isLast() && !isBefore);
    if (!socket.writable || error.code === 'ECONNRESET' || isTold) {
      socket.destroy();
      return;
    }
    broken.add(socket);
    const [status, text] = brokenBy[error.code ?? ''] ?? [400, 'it is no HTTP'];
    const tell = (): void => {
      if (isLast()) socket.end();
      else writeRaw(socket, problemOf(badRequest(text), status));
    };
    // Told now, it would be taken for the answer to the request before.
    if (isBefore) outgoing.once('close', tell);
    else tell();
  });
  server.on('connect', (_request, socket: Socket) => {
    const refusal = new RequestError(
      'METHOD_NOT_ALLOWED',
      'This is no proxy; ask for a path of it',
    );
    writeRaw(socket, problemOf(refusal), 'Allow: GET, HEAD, POST, PUT, DELETE');
  });
  server.on('checkExpectation', (_request, outgoing: ServerResponse) =>
    refuse(outgoing, problemOf(badRequest('it expects what is not known here'), 417)),
  );
}

/** Whether a request says once for which host it is, as each must; before HTTP/1.1 it may not say it. */
export function namesItsHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter(
    (_each, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host',
  );
  if (hosts.length === 0) return httpVersion === '1.0';
  return hosts.length === 1 && hosts[0]?.trim() !== '';
}

/** Answers a request for which `namesItsHost` does not hold. */
export const refuseHostless = (outgoing: ServerResponse): void =>
  refuse(outgoing, problemOf(badRequest('it must have one header Host')));

/** What no Request can be made of: its host or its path is not well formed. */
export const refuseUnreadable = (): Response => {
  const problem = problemOf(badRequest('its host or its path is malformed'));
  return new Response(JSON.stringify(problem), { status: problem.status, headers: headers() });
};

const brokenBy: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'its headers are too long'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'it did not come in time'],
};

const badRequest = (what: string): RequestError =>
  new RequestError('BAD_REQUEST', `The request cannot be read: ${what}`);

const headers = () => ({
  ...standingHeaders,
  'Content-Type': 'application/problem+json',
  'X-Request-Id': randomUUID(),
});

function refuse(outgoing: ServerResponse, problem: Problem): void {
  const body = JSON.stringify(problem);
  const length = { 'Content-Length': Buffer.byteLength(body) };
  outgoing.writeHead(problem.status, { ...headers(), ...length, Connection: 'close' });
  outgoing.end(body);
}

/** An answer where the server has made none yet. */
function writeRaw(socket: Socket, problem: Problem, ...more: readonly string[]): void {
  if (!socket.writable) return;
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Refused'}`,
    ...Object.entries(headers()).map(([name, value]) => `${name}: ${value}`),
    ...more,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
