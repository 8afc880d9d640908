import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { InvalidConfiguration } from '../errors.ts';
import { checkSecretKeys } from './secrets.ts';
import type { SecretKey } from './secrets.ts';
import { TOKEN_LIFETIMES } from './tokenClaims.ts';
import type { TokenKind } from './tokenClaims.ts';

/** The one algorithm. A key is for it alone, so no token can choose another. */
export const ALGORITHM = 'HS256';

/** How far another process's clock may run ahead, in milliseconds, where a key comes into force. */
export const CLOCK_TOLERANCE = 5000;

/** Exactly what stands in a token's header, in this order. */
export interface TokenHeader {
  readonly alg: typeof ALGORITHM;
  readonly typ: `jobwright-${TokenKind}+jwt`;
  readonly kid: string;
}

/** A secret ready for use: as a KeyObject, because bare bytes verify many times slower. */
export interface RingKey {
  readonly kid: string;
  readonly key: KeyObject;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  /** Milliseconds since 1970. */
  readonly retireAt: number;
}

/** What a header stands for: a kind of token and the key that must have signed it. */
export interface KnownHeader {
  readonly kind: TokenKind;
  readonly ringKey: RingKey;
}

export interface KeyRing {
  /** The first key in force; throws InvalidConfiguration when there is none. */
  signingKey(now: number): RingKey;
  /** What the first part of a token stands for; undefined unless it is, byte for byte, one that we write. */
  findHeader(encoded: string): KnownHeader | undefined;
  /** The key of this kid, in force or not. */
  findKey(kid: string): RingKey | undefined;
}

/**
 * The keys by what they sign. All the headers that may come are written out here once, so nothing
 * of a token is parsed before its signature holds: another algorithm, an extra field, another
 * spelling or an unknown kid is simply not among them.
 */
export function createKeyRing(keys: readonly SecretKey[]): KeyRing {
  checkSecretKeys(keys);
  const ringKeys = keys.map(toRingKey);
  const headers = new Map<string, KnownHeader>();
  for (const ringKey of ringKeys) {
    for (const kind of Object.keys(TOKEN_LIFETIMES) as TokenKind[]) {
      const text = JSON.stringify(headerOf(kind, ringKey.kid));
      headers.set(Buffer.from(text).toString('base64url'), { kind, ringKey });
    }
  }
  return {
    signingKey(now) {
      const signing = ringKeys.find(
        ({ notBefore, retireAt }) => notBefore <= now && now < retireAt,
      );
      if (signing) return signing;
      throw new InvalidConfiguration(
        'JOBWRIGHT_SECRETS',
        'no key is in force now: each is retired or not yet begun; put a new one first',
      );
    },
    findHeader: (encoded) => headers.get(encoded),
    findKey: (kid) => ringKeys.find((each) => each.kid === kid),
  };
}

/** The header of a token of this kind, signed by the key of this kid. */
export function headerOf(kind: TokenKind, kid: string): TokenHeader {
  return { alg: ALGORITHM, typ: `jobwright-${kind}+jwt`, kid };
}

/** Whether the key verifies at this moment. */
export function isInForce({ notBefore, retireAt }: RingKey, now: number): boolean {
  return notBefore <= now + CLOCK_TOLERANCE && now < retireAt;
}

function toRingKey({ kid, secret, notBefore, retireAt }: SecretKey): RingKey {
  return {
    kid,
    key: createSecretKey(secret),
    notBefore: notBefore?.getTime() ?? -Infinity,
    retireAt: retireAt?.getTime() ?? Infinity,
  };
}
