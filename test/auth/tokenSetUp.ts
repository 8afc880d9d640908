import { createHmac, randomBytes } from 'node:crypto';
import type { SecretKey } from '../../src/auth/secrets.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import type { TokenClaim, TokenKind, Tokens, TokensOptions } from '../../src/auth/tokens.ts';
import { Unauthenticated } from '../../src/errors.ts';

export const START = Date.UTC(2026, 0, 1, 12, 0, 0, 250);
export const SECOND = 1000;
export const JOB = '6ba7b811-9dad-51d1-80b4-00c04fd430c8';
export const KINDS: TokenKind[] = ['job', 'admin', 'operator', 'reader', 'worker'];
export const key = (kid: string, more: Partial<SecretKey> = {}): SecretKey => ({
  kid,
  secret: randomBytes(32),
  ...more,
});
export const MAIN = key('main');

/** Tokens with a clock that a test moves. */
export const setUp = (options: Partial<TokensOptions> = {}) => {
  const clock = { now: START };
  const tokens = createTokens({ keys: [MAIN], now: () => clock.now, ...options });
  return { clock, tokens };
};

export const claimOf = (kind: TokenKind, ttl?: number): TokenClaim => {
  const life = ttl === undefined ? {} : { ttl };
  return kind === 'job'
    ? { kind, jobId: JOB, generation: 1, ...life }
    : { kind, subject: `${kind}-1`, ...life };
};

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token signed well by hand, whatever its header and payload say. */
export const forge = (header: unknown, payload: unknown, { secret }: SecretKey = MAIN): string => {
  const body = `${encode(header)}.${encode(payload)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
};

export const headerOf = (kind: string, kid = 'main') => ({
  alg: 'HS256',
  typ: `jobwright-${kind}+jwt`,
  kid,
});

export const seconds = Math.floor(START / SECOND);
export const ADMIN_PAYLOAD = {
  iss: 'jobwright',
  aud: 'jobwright',
  sub: 'ada',
  kind: 'admin',
  iat: seconds,
  exp: seconds + 3600,
  jti: '3f2c8a52-74ac-4c1e-8f0a-5d2b1c9e7a60',
};
export const JOB_PAYLOAD = { ...ADMIN_PAYLOAD, sub: JOB, kind: 'job', gen: 1 };

export const refusalOf = (tokens: Tokens, token: unknown): Unauthenticated => {
  try {
    tokens.verify(token);
  } catch (error) {
    if (error instanceof Unauthenticated) return error;
    throw error;
  }
  throw new Error('expected a refusal');
};

/** The one reason told for whatever is not genuine. */
export const NOT_GENUINE = refusalOf(setUp().tokens, 'x').reason;
export const EXPIRED = 'the token has expired';
