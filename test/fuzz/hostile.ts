import type { Draw } from './draw.ts';

/** JSON as it is written on the wire, which no value of ours may come to: `1e400`, a member twice. */
export class Written {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** JSON.stringify, with what is written already left as it is. */
export function write(value: unknown): string {
  if (value instanceof Written) return value.text;
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value).map(
    ([name, each]) => `${JSON.stringify(name)}:${write(each)}`,
  );
  return `{${members.join(',')}}`;
}

const nested = (depth: number, open: string, close: string): Written =>
  new Written(`${open.repeat(depth)}1${close.repeat(depth)}`);

/** Texts that some layer may take for something else. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '$where',
  '$gt',
  'a.b.c',
  '.',
  '..',
  '../../etc/passwd',
  '/etc/passwd',
  'files:',
  ':x',
  'files:files:f1',
  '(a+)+$',
  '%00%ff',
  '\u2028\u2029\ufeff',
  '\u202eabc',
  '👩‍👩‍👧‍👦',
  'é́́́',
  'ＡＢＣ',
  'İıſK',
  '2026-02-30T25:61:61Z',
  '1970-01-01T00:00:00.000Z',
  'null',
  'NaN',
  '-1',
  '1e999',
  '[object Object]',
  '<script>alert(1)</script>',
  "' OR 1=1 --",
  '\r\nX-Injected: 1',
  'once:1',
  'effect:1:2:3',
  'a'.repeat(1_025),
  'ü'.repeat(2_000),
  'x'.repeat(20_000),
];

const hostileValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  Number.MAX_SAFE_INTEGER + 2,
  1e308,
  5e-324,
  [],
  {},
  [[]],
  [null],
  { $gt: '' },
  { $ne: null },
  { $where: 'while(true){}' },
  { $set: { state: 'FINISHED' } },
  { $literal: 1 },
  { $date: '2026-01-01T00:00:00Z' },
  { $oid: '0123456789abcdef01234567' },
  { _bsontype: 'ObjectId', id: 'aaaaaaaaaaaa' },
  { _bsontype: 'Long', low: 1, high: 2 },
  { _bsontype: 'Binary', sub_type: 0, position: 9_999_999 },
  { $ref: 'jobs', $id: 'x' },
  { $id: 1, $ref: 'jobs', $db: 'admin', more: true },
  { $id: 'urn:x' },
  { toJSON: 'x', valueOf: 1, toString: null },
  { constructor: { prototype: { isAdmin: true } } },
  { then: 'x' },
  { length: -1 },
  { 'a.b': 1, $x: 2, '': 3 },
  { _id: 'x', id: 'y', _paths: ['z'] },
  new Written('-0'),
  new Written('1e400'),
  new Written('-1E+400'),
  new Written('123456789012345678901234567890'),
  new Written('0.1e-999'),
  new Written('"\\ud800"'),
  new Written('"a\\udc00b"'),
  new Written('{"\\ud800":1}'),
  new Written('"\\u0000"'),
  new Written('{"a\\u0000b":1}'),
  new Written('{"__proto__":{"isAdmin":true}}'),
  new Written('{"a":{"__proto__":null}}'),
  new Written('{"a":1,"a":2}'),
  new Written('{"a":1,"\\u0061":2}'),
  nested(31, '[', ']'),
  nested(40, '[', ']'),
  nested(40, '{"a":', '}'),
  nested(5_000, '[', ']'),
  nested(3_000, '{"a":', '}'),
];

/** Costly ones, drawn seldom. */
const huge: readonly (() => unknown)[] = [
  () => 'x'.repeat(250_000),
  () => 'x'.repeat(300_000),
  () => '€'.repeat(90_000),
  () => Array.from({ length: 11_000 }, () => 0),
  () => Object.fromEntries(Array.from({ length: 10_500 }, (_, index) => [`k${index}`, 1])),
  () => nested(100_000, '[', ']'),
];

export function hostileValue(draw: Draw): unknown {
  if (draw.chance(0.03)) return draw.pick(huge)();
  return draw.chance(0.4) ? draw.pick(hostileTexts) : draw.pick(hostileValues);
}

/** A JSON object as an outside system may send one, with something odd in it now and then. */
export function looseObject(draw: Draw, depth = 3): Record<string, unknown> {
  const members = Array.from({ length: draw.below(5) }, (): [string, unknown] => [
    draw.pick(['run', 'note', 'a', 'b', 'inputs', 'message', 'percent', 'ü', 'keepArchive']),
    looseValue(draw, depth),
  ]);
  return Object.fromEntries(members);
}

function looseValue(draw: Draw, depth: number): unknown {
  if (depth === 0 || draw.chance(0.6)) {
    return draw.pick([1, 'text', true, null, 0.25, draw.below(1e9), `t${draw.below(1e9)}`]);
  }
  return draw.chance(0.5) ? looseObject(draw, depth - 1) : [looseValue(draw, depth - 1)];
}

/** Something at one place of a value is wrong afterwards: another type, missing, twice, more than was asked for. */
export function mutate(draw: Draw, value: unknown): unknown {
  if (value instanceof Written || typeof value !== 'object' || value === null) {
    return hostileValue(draw);
  }
  if (draw.chance(0.04)) return hostileValue(draw);
  if (Array.isArray(value)) return mutateList(draw, value);
  const members: [string, unknown][] = Object.entries(value);
  const place = draw.below(members.length + 1);
  const found = members[place];
  if (!found) {
    const name = draw.chance(0.5) ? draw.pick(hostileTexts) : draw.pick(unknownNames);
    return Object.fromEntries([...members, [name, hostileValue(draw)]]);
  }
  const [name, each] = found;
  const rest = members.toSpliced(place, 1);
  if (draw.chance(0.15)) return Object.fromEntries(rest);
  if (draw.chance(0.1)) return twice(members, found);
  return Object.fromEntries([...rest, [name, mutate(draw, each)]]);
}

const unknownNames = ['id', '_id', 'extra', 'state', 'version', 'generation', 'actor', '$set'];

const twice = (members: readonly [string, unknown][], member: [string, unknown]): Written =>
  new Written(
    `{${[...members, member].map(([name, each]) => `${JSON.stringify(name)}:${write(each)}`).join(',')}}`,
  );

function mutateList(draw: Draw, items: readonly unknown[]): unknown {
  const place = draw.below(items.length + 1);
  if (place === items.length) return [...items, hostileValue(draw)];
  if (draw.chance(0.1)) return Array.from({ length: 1_100 }, () => items[place]);
  return items.with(place, mutate(draw, items[place]));
}
