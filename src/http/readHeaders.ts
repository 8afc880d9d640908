import { InvalidData, Unauthenticated } from '../errors.ts';
import { checkKey } from '../jobs/checkKey.ts';

/** The token of `Authorization: Bearer <token>`; undefined without the header. Throws Unauthenticated for any other. */
export function readBearer(headers: Headers): string | undefined {
  const header = headers.get('authorization');
  if (header === null) return undefined;
  // Two headers arrive as one, joined by a comma.
  const [, token] = /^Bearer +([\w.~+/=-]+)$/i.exec(header) ?? [];
  if (token !== undefined) return token;
  throw new Unauthenticated('send exactly one header Authorization: Bearer <token>');
}

/** Idempotency-Key. Throws InvalidData for a text that is no key. */
export function readKey(headers: Headers): string | undefined {
  const key = headers.get('idempotency-key');
  return key === null ? undefined : checkKey(key);
}

/**
 * The version that If-Match names. A tag that no job ever has is read as 0, which never matches; `*` asks
 * for nothing. Throws InvalidData for what is no entity tag.
 */
export function readIfMatch(headers: Headers): number | undefined {
  const header = headers.get('if-match')?.trim();
  if (header === undefined || header === '*') return undefined;
  const [, weak, tag = ''] = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/.exec(header) ?? [];
  if (!/^(W\/)?"[^"]*"$/.test(header)) {
    throw new InvalidData('If-Match', [
      { path: 'If-Match', message: 'one entity tag as ETag gives it, like "7"' },
    ]);
  }
  return weak === undefined && /^[1-9]\d{0,14}$/.test(tag) ? Number(tag) : 0;
}

/** The caller's id of a request where it is harmless in a log line, else one of our own. */
export function requestIdOf(headers: Headers, make: () => string): string {
  const given = headers.get('x-request-id');
  return given !== null && /^[A-Za-z0-9._-]{1,64}$/.test(given) ? given : make();
}
