import type { Draw } from './draw.ts';
import type { FuzzWorld } from './fuzzWorld.ts';
import { hostileTexts } from './hostile.ts';
import { drawHeaders, schemaRequest, type FuzzRequest } from './requests.ts';

/** A well-formed request of an odd address: escapes, lengths, methods, hosts. */
export function urlRequest(draw: Draw, world: FuzzWorld, host: string): FuzzRequest {
  const request = schemaRequest(draw, world);
  const kept = { ...request, kind: 'url' } as const;
  switch (draw.below(4)) {
    case 0:
      return { ...kept, target: oddTarget(draw, request.target) };
    case 1:
      return { ...kept, method: draw.pick(oddMethods) };
    case 2: {
      const named = draw.pick(['', 'example.org', 'localhost', host, ...oddHosts]);
      return { ...kept, headers: [['Host', named], ...request.headers] };
    }
    default:
      return {
        ...kept,
        target: oddTarget(draw, request.target),
        headers: [...request.headers, ...drawHeaders(draw, false)],
      };
  }
}

const oddMethods = [
  ...[
    'HEAD',
    'OPTIONS',
    'PATCH',
    'TRACE',
    'PROPFIND',
    'PURGE',
    'QUERY',
    'SEARCH',
    'LOCK',
    'M-SEARCH',
  ],
  ...['GET', 'POST', 'PUT', 'DELETE'],
];
const oddHosts = [
  ...[
    '127.0.0.1:1',
    '127.0.0.1:99999',
    '127.1',
    '[::1]',
    '[::1',
    'a b',
    'user@127.0.0.1',
    '0x7f.1',
  ],
  ...[
    '127.0.0.1/x',
    '127.0.0.1?x',
    '127.0.0.1#x',
    'LOCALHOST',
    'localhost.',
    'ü',
    '%31',
    'x'.repeat(300),
  ],
];
const escapes = [
  ...[
    '%',
    '%%',
    '%zz',
    '%0',
    '%00',
    '%2e%2e',
    '%2f',
    '%5c',
    '%c0%af',
    '%ed%a0%80',
    '%ff',
    '%25%32%66',
  ],
  ...[
    '..',
    '/../',
    '//',
    '/./',
    '/%2e/',
    '\\',
    ';a=b',
    '?',
    '??',
    '&&',
    '=',
    '#',
    '|',
    '"',
    '<>',
    '`',
  ],
];

function oddTarget(draw: Draw, target: string): string {
  const place = draw.below(target.length) + 1;
  const insert = (piece: string): string =>
    `${target.slice(0, place)}${piece}${target.slice(place)}`;
  switch (draw.below(7)) {
    case 0:
    case 1:
      return insert(draw.pick(escapes));
    case 2:
      return insert('a'.repeat(draw.pick([300, 1_100, 8_000, 15_000])));
    case 3:
      return insert('/x'.repeat(draw.pick([1, 3, 500])));
    case 4:
      return `${target}${target.includes('?') ? '&' : '?'}${'a=1&'.repeat(draw.pick([2, 900]))}`;
    case 5:
      return draw.pick([`/${target}`, `${target}/`, target.toUpperCase(), '/', '*', 'x', '/v1']);
    default:
      return insert(
        encodeURIComponent(
          draw.pick(hostileTexts.filter((text) => text.isWellFormed())).slice(0, 800),
        ),
      );
  }
}
