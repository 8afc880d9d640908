import { InvalidData } from '../errors.ts';
import { RequestError } from './requestError.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The JSON object that a body's bytes hold. Throws MALFORMED_JSON for what is no UTF-8, no JSON, no
 * object, or names a member of an object twice, which JSON.parse would drop silently; InvalidData for a
 * member named `__proto__`.
 */
export function parseJsonObject(bytes: Uint8Array): Record<string, unknown> {
  const text = decode(bytes);
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('it is no object');
  }
  checkNames(text);
  return value as Record<string, unknown>;
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw malformed('it is not UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The message of the parser repeats the text, which may hold a token.
    throw malformed('it is not JSON');
  }
}

const malformed = (reason: string): RequestError =>
  new RequestError(
    'MALFORMED_JSON',
    `The body cannot be read: ${reason}. Send one JSON object in UTF-8`,
  );

/**
 * Throws for a member name that an object of this valid JSON text has twice, and for `__proto__`, which
 * much of what comes after would drop.
 */
function checkNames(text: string): void {
  const open: (Set<string> | null)[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '{') open.push(new Set());
    else if (character === '[') open.push(null);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(text, index);
      const members = open.at(-1);
      if (members && isName(text, end + 1)) {
        const name = JSON.parse(text.slice(index, end + 1)) as string;
        if (members.has(name)) throw malformed(`a member is there twice: ${shorten(name)}`);
        if (name === '__proto__') throw reserved();
        members.add(name);
      }
      index = end;
    }
  }
}

const reserved = (): InvalidData =>
  new InvalidData('body', [{ path: '__proto__', message: 'a key that may not be stored' }]);

/** Index of the quote that ends the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (; isEscaped(text, end); end = text.indexOf('"', end + 1));
  return end;
}

function isEscaped(text: string, quote: number): boolean {
  let slashes = 0;
  while (text[quote - 1 - slashes] === '\\') slashes += 1;
  return slashes % 2 === 1;
}

/** Whether a colon follows, so that the string before it was a member's name. */
function isName(text: string, from: number): boolean {
  let index = from;
  while (' \t\n\r'.includes(text[index] ?? 'x')) index += 1;
  return text[index] === ':';
}

const shorten = (name: string): string =>
  JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
