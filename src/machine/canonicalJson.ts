import type { DataIssue } from '../errors.ts';

export interface JsonLimits {
  /** Levels of objects and arrays. */
  readonly depth: number;
  /** Object keys and array items, in all. */
  readonly keys: number;
  /** UTF-8 bytes of the canonical text. */
  readonly bytes: number;
  /** Whether −0 passes, as 0. */
  readonly unsignedZero?: boolean;
}

export const jsonLimits: JsonLimits = { depth: 32, keys: 10_000, bytes: 262_144 };

export type CanonicalJson =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly issues: readonly DataIssue[] };

/**
 * The RFC 8785 text of a value, or what JSON would change silently: cycles, BigInt, functions,
 * symbols, undefined, NaN, infinities, −0, lone surrogates, holes, instances of classes, what no
 * store gives back as it was (keys `__proto__` and `_bsontype`, NUL in a key, an object that reads as
 * a database reference), and what is too deep, too many or too large.
 * Every issue names its path from `root`.
 */
export function canonicalJson(value: unknown, limits = jsonLimits, root = 'data'): CanonicalJson {
  const walk: Walk = { limits, keys: 0, ancestors: [], path: [root] };
  try {
    const text = write(value, walk);
    if (utf8Length(text, limits.bytes) > limits.bytes)
      refuse(walk, `larger than ${limits.bytes} bytes`);
    return { ok: true, text };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, issues: [error.issue] };
    throw error;
  }
}

interface Walk {
  readonly limits: JsonLimits;
  keys: number;
  readonly ancestors: object[];
  readonly path: string[];
}

/** Leaves the recursion from any depth; never leaves this file. */
class Refusal extends Error {
  readonly issue: DataIssue;

  constructor(issue: DataIssue) {
    super(issue.message);
    this.issue = issue;
  }
}

function refuse(walk: Walk, message: string): never {
  throw new Refusal({ path: walk.path.join('.').replaceAll('.[', '['), message });
}

function write(value: unknown, walk: Walk): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) refuse(walk, 'a lone surrogate, which UTF-8 cannot hold');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isFinite(value)) refuse(walk, `${value} is no JSON number`);
      if (Object.is(value, -0) && !walk.limits.unsignedZero) refuse(walk, 'JSON turns -0 into 0');
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      return value === null ? 'null' : writeNested(value, walk);
    case 'undefined':
    case 'bigint':
    case 'function':
    case 'symbol':
      return refuse(walk, `${typeof value} is not JSON`);
  }
}

function writeNested(value: object, walk: Walk): string {
  const { ancestors, limits } = walk;
  if (ancestors.includes(value)) refuse(walk, 'a cycle');
  if (ancestors.length >= limits.depth) refuse(walk, `deeper than ${limits.depth} levels`);
  refuseInstance(value, walk);
  if (Object.getOwnPropertySymbols(value).length > 0) refuse(walk, 'a symbol as key');
  ancestors.push(value);
  const text = Array.isArray(value) ? writeArray(value, walk) : writeObject(value, walk);
  ancestors.pop();
  return text;
}

function refuseInstance(value: object, walk: Walk): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = Array.isArray(value)
    ? prototype === Array.prototype
    : prototype === Object.prototype || prototype === null;
  if (!plain) refuse(walk, `an instance of ${className(prototype)}, not a plain object`);
}

function writeArray(value: readonly unknown[], walk: Walk): string {
  count(walk, value.length);
  const keys = Object.keys(value);
  const dense = keys.length === value.length && keys.every((key, index) => key === String(index));
  if (!dense) refuse(walk, 'an array with holes or named properties');
  const items = value.map((item, index) => {
    walk.path.push(`[${index}]`);
    const text = write(item, walk);
    walk.path.pop();
    return text;
  });
  return `[${items.join(',')}]`;
}

function writeObject(value: object, walk: Walk): string {
  const keys = sorted(Object.keys(value));
  count(walk, keys.length);
  if (isReference(value)) refuse(walk, 'an object with both $ref and $id');
  let text = '{';
  for (const key of keys) {
    walk.path.push(key);
    if (reservedKeys.has(key) || key.includes('\0')) refuse(walk, 'a key that may not be stored');
    if (!key.isWellFormed()) refuse(walk, 'a key with a lone surrogate');
    if (text.length > 1) text += ',';
    text += JSON.stringify(key);
    text += ':';
    text += write((value as Record<string, unknown>)[key], walk);
    walk.path.pop();
  }
  return `${text}}`;
}

/** In place. Few keys, as nearly always, are sorted without the garbage that `sort` makes. */
function sorted(keys: string[]): string[] {
  if (keys.length > 16) return keys.sort();
  for (let index = 1; index < keys.length; index += 1) {
    const key = keys[index] as string;
    let place = index;
    for (; place > 0 && key < (keys[place - 1] as string); place -= 1) {
      keys[place] = keys[place - 1] as string;
    }
    keys[place] = key;
  }
  return keys;
}

/** Copies drop the first; the driver takes an object with the second for a value of its own, and throws. */
const reservedKeys: ReadonlySet<string> = new Set(['__proto__', '_bsontype']);

/** The driver reads such an object back as an instance of DBRef, without its other fields. */
function isReference(value: object): boolean {
  const { $ref, $id }: { $ref?: unknown; $id?: unknown } = value;
  return $ref !== undefined && $id !== undefined;
}

function count(walk: Walk, keys: number): void {
  walk.keys += keys;
  if (walk.keys > walk.limits.keys) refuse(walk, `more than ${walk.limits.keys} keys and items`);
}

const className = (prototype: unknown): string => {
  const maker = (prototype as { constructor?: unknown } | null)?.constructor;
  return typeof maker === 'function' && maker.name ? maker.name : 'a class';
};

/** Exact only where it matters: near the limit. */
function utf8Length(text: string, limit: number): number {
  if (text.length > limit || text.length * 3 <= limit) return text.length;
  let bytes = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // A surrogate is half of a four-byte character.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  return bytes;
}
