import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, jsonLimits } from '../../src/machine/canonicalJson.ts';

const textOf = (value: unknown): string => {
  const json = canonicalJson(value);
  if (!json.ok) throw new Error(JSON.stringify(json.issues));
  return json.text;
};

const refusal = (path: string, message: string) => ({ ok: false, issues: [{ path, message }] });

const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

const cycle: { around?: unknown } = {};
cycle.around = { again: [cycle] };

class Money {
  readonly amount = 1;
}
class Names extends Array<string> {}

const withName = Object.assign([1, 2], { sum: 3 });
const holedWithName = Object.assign(new Array<number>(2), { 1: 2, sum: 3 });
const sparse = Object.assign(new Array<number>(3), { 0: 1, 2: 3 });

describe('canonical JSON', () => {
  it.each([
    [null, 'null'],
    [true, 'true'],
    ['', '""'],
    [[], '[]'],
    [{}, '{}'],
    [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
    [{ a: { d: 1, c: 2 }, B: 3, 10: 4, 9: 5 }, '{"10":4,"9":5,"B":3,"a":{"c":2,"d":1}}'],
    [{ é: 1, z: 2, '€': 3, '😀': 4, ﬀ: 5 }, '{"z":2,"é":1,"€":3,"😀":4,"ﬀ":5}'],
    [
      '\u0000\u001f\u007f\u2028"\\/\n\t\b\f\r',
      '"\\u0000\\u001f\u007f\u2028\\"\\\\/\\n\\t\\b\\f\\r"',
    ],
    ['é€😀', '"é€😀"'],
    [Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
  ])('writes %j as %s', (value, text) => {
    expect(canonicalJson(value)).toEqual({ ok: true, text });
  });

  it.each([
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    [1e20, '100000000000000000000'],
    [1e21, '1e+21'],
    [1e-6, '0.000001'],
    [1e-7, '1e-7'],
    [5e-324, '5e-324'],
    [-5e-324, '-5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [9007199254740993, '9007199254740992'],
    [333333333.33333329, '333333333.3333333'],
    [4.5, '4.5'],
    [2e-3, '0.002'],
    [1e-27, '1e-27'],
  ])('writes the number %d as RFC 8785 does: %s', (value, text) => {
    expect(canonicalJson(value)).toEqual({ ok: true, text });
  });

  it('writes minus zero as 0 only where that is told to be fine', () => {
    const limits = { depth: 9, keys: 9, bytes: 99, unsignedZero: true };
    expect(canonicalJson([-0, 0, -1], limits)).toEqual({ ok: true, text: '[0,0,-1]' });
  });

  it('writes a value that is found twice, twice', () => {
    const shared = { a: 1 };
    expect(textOf({ first: shared, second: [shared, shared] })).toBe(
      '{"first":{"a":1},"second":[{"a":1},{"a":1}]}',
    );
  });

  it.each([
    ['a cycle', cycle, 'data.around.again[0]', 'a cycle'],
    ['a BigInt', { a: 1n }, 'data.a', 'bigint is not JSON'],
    ['a function', { a: () => 1 }, 'data.a', 'function is not JSON'],
    ['toJSON', { toJSON: () => 1 }, 'data.toJSON', 'function is not JSON'],
    ['a symbol', [Symbol('s')], 'data[0]', 'symbol is not JSON'],
    ['a symbol as key', { a: { [Symbol('s')]: 1 } }, 'data.a', 'a symbol as key'],
    ['a symbol on an array', Object.assign([1], { [Symbol('s')]: 1 }), 'data', 'a symbol as key'],
    ['undefined', undefined, 'data', 'undefined is not JSON'],
    ['undefined inside', { a: [{ b: undefined }] }, 'data.a[0].b', 'undefined is not JSON'],
    ['NaN', [0, NaN], 'data[1]', 'NaN is no JSON number'],
    ['infinity', { a: Infinity }, 'data.a', 'Infinity is no JSON number'],
    ['minus infinity', { a: -Infinity }, 'data.a', '-Infinity is no JSON number'],
    ['minus zero', { a: -0 }, 'data.a', 'JSON turns -0 into 0'],
    ['a lone high surrogate', ['\ud800'], 'data[0]', 'a lone surrogate, which UTF-8 cannot hold'],
    ['a lone low surrogate', ['a\udc00b'], 'data[0]', 'a lone surrogate, which UTF-8 cannot hold'],
    ['a lone surrogate as key', { '\ud800': 1 }, 'data.\ud800', 'a key with a lone surrogate'],
    ['a Date', { a: new Date(0) }, 'data.a', 'an instance of Date, not a plain object'],
    ['a Map', { a: new Map() }, 'data.a', 'an instance of Map, not a plain object'],
    ['a Buffer', [Buffer.from('x')], 'data[0]', 'an instance of Buffer, not a plain object'],
    ['a boxed string', [new String('x')], 'data[0]', 'an instance of String, not a plain object'],
    ['an instance', { a: new Money() }, 'data.a', 'an instance of Money, not a plain object'],
    [
      'an object of an object',
      Object.create({ a: 1 }),
      'data',
      'an instance of Object, not a plain object',
    ],
    ['an array of a class', [new Names()], 'data[0]', 'an instance of Names, not a plain object'],
    ['a sparse array', { a: sparse }, 'data.a', 'an array with holes or named properties'],
    ['a named property', { a: withName }, 'data.a', 'an array with holes or named properties'],
    ['a hole and a name', [holedWithName], 'data[0]', 'an array with holes or named properties'],
    [
      '__proto__',
      JSON.parse('{"a":{"__proto__":1}}'),
      'data.a.__proto__',
      'a key that may not be stored',
    ],
    ['NUL in a key', { 'a\0b': 1 }, 'data.a\0b', 'a key that may not be stored'],
  ])('refuses %s, and says where', (_what, value, path, message) => {
    expect(canonicalJson(value)).toEqual(refusal(path, message));
  });

  it('names the path from the root it is given', () => {
    expect(canonicalJson({ a: NaN }, jsonLimits, 'context')).toEqual(
      refusal('context.a', 'NaN is no JSON number'),
    );
  });

  it('takes 32 levels and refuses 33', () => {
    expect(textOf(nested(32))).toBe(`${'['.repeat(32)}1${']'.repeat(32)}`);
    expect(canonicalJson(nested(33))).toEqual(
      refusal(`data${'[0]'.repeat(32)}`, 'deeper than 32 levels'),
    );
  });

  it('takes 10,000 keys and items in all and refuses 10,001', () => {
    const items = Array.from({ length: 4999 }, () => 0);
    const keys = Object.fromEntries(items.map((item, index) => [`k${index}`, item]));
    expect(canonicalJson({ items, keys }).ok).toBe(true);
    expect(canonicalJson({ items, keys, more: 1 })).toEqual(
      refusal('data.keys', 'more than 10000 keys and items'),
    );
    expect(canonicalJson(Array.from({ length: 10_001 }, () => 0))).toEqual(
      refusal('data', 'more than 10000 keys and items'),
    );
  });

  it.each([
    ['a', 1],
    ['\u007f', 1],
    ['\u0080', 2],
    ['é', 2],
    ['\u07ff', 2],
    ['\u0800', 3],
    ['€', 3],
    ['\uffff', 3],
    ['😀', 4],
    ['\n', 2],
    ['\u0001', 6],
  ])('counts %j as %i bytes, to the very last', (character, bytes) => {
    const room = jsonLimits.bytes - 2;
    const full = character.repeat(Math.floor(room / bytes)) + 'x'.repeat(room % bytes);
    expect(Buffer.byteLength(textOf(full))).toBe(jsonLimits.bytes);
    expect(canonicalJson(`${full}x`)).toEqual(refusal('data', 'larger than 262144 bytes'));
  });

  it('parses back to the value it was made of', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(JSON.parse(textOf(value))).toEqual(value);
      }),
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(textOf(turned(value))).toBe(textOf(value));
      }),
    );
  });

  it('writes its own text again when it is parsed', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const text = textOf(value);
        expect(textOf(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it('never throws and never gives what JSON cannot read', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        const json = canonicalJson(value);
        if (json.ok) expect(JSON.parse(json.text)).toEqual(withPrototypes(value));
        else expect(json.issues).toHaveLength(1);
      }),
    );
  });
});

/** Any JSON value that is kept as it is. */
const jsonValue = fc
  .jsonValue({ maxDepth: 6, stringUnit: 'binary' })
  .filter((value) => canonicalJson(value).ok);

const turned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, turned(inner)]),
  );
};

/** The same with ordinary objects in place of those without a prototype. */
const withPrototypes = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withPrototypes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withPrototypes(inner)]),
  );
};
