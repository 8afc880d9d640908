import type { Draw } from './draw.ts';
import { schemaRequest, toBytes, type FuzzRequest } from './requests.ts';
import type { FuzzWorld } from './fuzzWorld.ts';

const invalidUtf8 = ['80', 'c0af', 'eda080', 'f4908080', 'fffe', 'efbbbf', 'e28'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** Bytes of which some are not what they were. */
export function mutateBytes(draw: Draw, bytes: Buffer): Buffer {
  const place = draw.below(bytes.length + 1);
  const other = draw.below(bytes.length + 1);
  const [from, to] = place < other ? [place, other] : [other, place];
  const insert = (piece: Buffer): Buffer =>
    Buffer.concat([bytes.subarray(0, place), piece, bytes.subarray(place)]);
  switch (draw.below(8)) {
    case 0:
    case 1: {
      const flipped = Buffer.from(bytes);
      for (let count = 1 + draw.below(3); count > 0 && bytes.length > 0; count -= 1) {
        const at = draw.below(bytes.length);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << draw.below(8));
      }
      return flipped;
    }
    case 2:
      return bytes.subarray(0, place);
    case 3:
      return insert(bytes.subarray(from, to));
    case 4:
      return insert(draw.pick(invalidUtf8));
    case 5:
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    case 6:
      return insert(draw.bytes(1 + draw.below(16)));
    default:
      return draw.pick([
        Buffer.concat([bytes, bytes]),
        Buffer.from(bytes.toString('latin1'), 'utf16le'),
        Buffer.concat([Buffer.from('efbbbf', 'hex'), bytes]),
        draw.bytes(40),
      ]);
  }
}

/** A well-formed request whose body is damaged. */
export function bodyRequest(draw: Draw, world: FuzzWorld): FuzzRequest {
  const { body, ...request } = drawUntil(draw, world, (each) => each.body !== undefined);
  return { ...request, kind: 'body', body: mutateBytes(draw, body ?? Buffer.alloc(0)) };
}

/** An answer to HEAD has no body, which only who asked for it knows. */
function drawUntil(
  draw: Draw,
  world: FuzzWorld,
  fits: (request: FuzzRequest) => boolean,
): FuzzRequest {
  for (;;) {
    const request = schemaRequest(draw, world);
    if (request.method !== 'HEAD' && fits(request)) return request;
  }
}

/** What need not be a request at all. */
export function rawRequest(draw: Draw, world: FuzzWorld, host: string): FuzzRequest {
  const request = drawUntil(draw, world, () => true);
  const raw = draw.chance(0.6)
    ? [mutateBytes(draw, toBytes(request, host))]
    : draw.pick(tricks)(host, world.operator, toBytes(request, host));
  return { ...request, kind: 'raw', raw: raw.map((piece) => Buffer.from(piece)) };
}

type Trick = (host: string, token: string, whole: Buffer) => (string | Buffer)[];

const post = (host: string, token: string, ...lines: readonly string[]): string =>
  [
    'POST /v1/jobs HTTP/1.1',
    `Host: ${host}`,
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    ...lines,
    '',
    '',
  ].join('\r\n');

const get = (host: string, ...lines: readonly string[]): string =>
  ['GET /health/live HTTP/1.1', `Host: ${host}`, ...lines, '', ''].join('\r\n');

/** Two readings of where a request ends, versions, line ends, and what only proxies are asked. */
const tricks: readonly Trick[] = [
  (host, token) => [
    post(host, token, 'Content-Length: 4', 'Transfer-Encoding: chunked'),
    '0\r\n\r\n',
  ],
  (host, token) => [post(host, token, 'Content-Length: 2', 'Content-Length: 3'), '{} '],
  (host, token) => [post(host, token, 'Content-Length: -1'), '{}'],
  (host, token) => [post(host, token, 'Content-Length: 1e3'), '{}'],
  (host, token) => [post(host, token, 'Content-Length: 99999999999999999999'), '{}'],
  (host, token) => [post(host, token, 'Content-Length: 5000'), '{"pipeline":'],
  (host, token) => [post(host, token, 'Transfer-Encoding: chunked'), '5\r\n{"a"'],
  (host, token) => [post(host, token, 'Transfer-Encoding: chunked'), 'zz\r\n{}\r\n0\r\n\r\n'],
  (host, token) => [post(host, token, 'Transfer-Encoding: chunked'), 'ffffffffffffffff1\r\n{}'],
  (host, token) => [
    post(host, token, 'Transfer-Encoding: chunked'),
    '2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n',
  ],
  (host, token) => [post(host, token, 'Transfer-Encoding: gzip'), '{}'],
  (host, token) => [post(host, token, 'Transfer-Encoding: chunked, identity'), '0\r\n\r\n'],
  (host, token) => [
    post(host, token, 'Transfer-Encoding: chunked', 'Connection: close'),
    ...Array.from({ length: 40 }, () => `2000\r\n${' '.repeat(0x2000)}\r\n`),
    '0\r\n\r\n',
  ],
  (host, token) => [post(host, token, 'Expect: 100-continue', 'Content-Length: 2'), '{}'],
  (host, token) => [post(host, token, 'Expect: tea', 'Content-Length: 2'), '{}'],
  (host, token) => [post(host, token, 'Content-Encoding: gzip', 'Content-Length: 2'), '{}'],
  (host) => [get(host, 'Connection: Upgrade', 'Upgrade: websocket')],
  (host) => [
    get(host, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAA'),
  ],
  (host) => [get(host, `X: ${'y'.repeat(20_000)}`)],
  (host) => [get(host, ...Array.from({ length: 2_500 }, (_, index) => `X${index}: y`))],
  (host) => [get(host, 'X : y')],
  (host) => [get(host, 'X: a', ' folded')],
  (host) => [get(host, 'X: a\0b')],
  (host) => [get(host, ': nameless')],
  (host) => [get(host, 'Host: example.org')],
  (host) => [get(host).replace('HTTP/1.1', 'HTTP/1.0')],
  (host) => [get(host).replace('HTTP/1.1', 'HTTP/2.0')],
  (host) => [get(host).replace('HTTP/1.1', 'HTTP/0.9')],
  (host) => [get(host).replaceAll('\r\n', '\n')],
  (host) => [get(host).replaceAll('\r\n', '\r')],
  () => ['GET /health/live HTTP/1.1\r\n\r\n'],
  () => ['GET /health/live\r\n'],
  () => ['GET http://example.org/health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'],
  () => ['CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n', 'more'],
  () => ['OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'],
  () => ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  () => [Buffer.from('16030100a5010000a10303', 'hex')],
  () => ['\r\n\r\n\r\n'],
  () => [''],
  (_host, _token, whole) => [whole, whole, whole],
  (_host, _token, whole) => [whole.subarray(0, 20), whole.subarray(20)],
  (_host, _token, whole) => [whole, 'GARBAGE\r\n\r\n'],
];
