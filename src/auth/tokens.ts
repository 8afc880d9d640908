import { randomUUID } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import { InvalidData, Unauthenticated } from '../errors.ts';
import type { Actor } from '../machine/actor.ts';
import type { Changing } from '../machine/changing.ts';
import { ALGORITHM, createKeyRing, headerOf, isInForce } from './keyRing.ts';
import type { KeyRing, RingKey } from './keyRing.ts';
import { createPlanTokens, type PlanTokens } from './planTokens.ts';
import type { SecretKey } from './secrets.ts';
import { createTokenCache } from './tokenCache.ts';
import type { TokenCache } from './tokenCache.ts';
import { checkClaim, payloadSchema, TOKEN_LIFETIMES } from './tokenClaims.ts';
import type { TokenClaim, TokenKind, TokenPayload } from './tokenClaims.ts';

export { TOKEN_LIFETIMES } from './tokenClaims.ts';
export type { TokenClaim, TokenKind } from './tokenClaims.ts';

/** No token is longer unless told otherwise, in characters; all of them are ASCII. */
export const TOKEN_LIMIT = 4096;

/** How many verified tokens are remembered. */
const CACHE_LIMIT = 25_000;

/** A genuine token in force: whose it is and what it limits. Read only, and shared between requests. */
export interface VerifiedToken {
  /** `{kind: 'job', id: <job id>}` for a job token, else the kind and the subject. */
  readonly actor: Actor;
  /** The token's unique id (jti). */
  readonly tokenId: string;
  /** Milliseconds since 1970; from then on the token is refused. */
  readonly expiresAt: number;
  /** The generation of the job's tokens that it belongs to. Every job token has one, no other does. */
  readonly generation?: number;
  /** The only events that it sends, in lower case; absent: all. */
  readonly events?: ReadonlySet<string>;
  /** Good for one accepted send. */
  readonly once: boolean;
}

export interface Tokens {
  /**
   * Signs a token. It lives for its ttl rounded up to the clock's next full second.
   * Throws InvalidData for a malformed claim or a token over the limit.
   */
  issue(claim: TokenClaim): { token: string; expiresAt: Date };
  /**
   * Tells whose a token is. Throws Unauthenticated for a missing, malformed, forged or expired
   * token, in words that hold nothing of it. Whether a job's tokens were revoked is for
   * `authorise`, which knows the job's generation.
   */
  verify(token: unknown): VerifiedToken;
  /** Proofs that an operation on many jobs was looked at first. They give nobody a right. */
  readonly plans: PlanTokens;
}

export interface TokensOptions {
  /** The first key in force signs; every key in force verifies. */
  readonly keys: readonly SecretKey[];
  readonly issuer?: string;
  readonly audience?: string;
  /** The clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** Characters of a token at most. */
  readonly limit?: number;
}

/** Signs and verifies tokens with these keys. Throws InvalidConfiguration for keys that must not be used. */
export function createTokens(options: TokensOptions): Tokens {
  const { keys, issuer = 'jobwright', audience = 'jobwright', now, limit = TOKEN_LIMIT } = options;
  const ring = createKeyRing(keys);
  const schema = payloadSchema(issuer, audience);
  const cache = createTokenCache<Genuine>(CACHE_LIMIT);

  const verifyAnew = (token: unknown, moment: number): Genuine => {
    if (token === undefined || token === null || token === '') {
      throw new Unauthenticated('no token was given');
    }
    if (typeof token !== 'string' || token.length > limit) throw notGenuine();
    const [header = '', body, ...others] = token.split('.');
    const known = others.length === 1 ? ring.findHeader(header) : undefined;
    if (!known || !isInForce(known.ringKey, moment)) throw notGenuine();
    const claims = readSigned(token, known.ringKey, { issuer, audience }, moment);
    const parsed = schema.safeParse(claims);
    if (!parsed.success || !isOfKind(parsed.data, known.kind)) throw notGenuine();
    // A claim given twice, or any other spelling, does not come back as it was.
    const respelled = Buffer.from(JSON.stringify(claims)).toString('base64url');
    if (respelled !== body) throw notGenuine();
    const genuine = { told: toVerified(parsed.data), ringKey: known.ringKey };
    cache.remember(token, genuine);
    return genuine;
  };

  return {
    plans: createPlanTokens(ring, now),
    issue(claim) {
      const { token, payload, ringKey } = signClaim(
        claim,
        ring,
        { issuer, audience, limit },
        now(),
      );
      // Signed here, so genuine here: its first use need not find that out.
      cache.remember(token, { told: toVerified(payload), ringKey });
      return { token, expiresAt: new Date(payload.exp * 1000) };
    },
    verify(token) {
      const moment = now();
      const { told, ringKey } = findCached(cache, token, limit) ?? verifyAnew(token, moment);
      if (!isInForce(ringKey, moment)) throw notGenuine();
      if (moment >= told.expiresAt) throw expired();
      return told;
    },
  };
}

/** What is remembered of a token whose signature held; time is asked anew at each use. */
interface Genuine {
  readonly told: VerifiedToken;
  readonly ringKey: RingKey;
}

interface Names {
  readonly issuer: string;
  readonly audience: string;
}

function signClaim(
  claim: TokenClaim,
  ring: KeyRing,
  { issuer, audience, limit }: Names & { limit: number },
  now: number,
) {
  const { ttl, said } = checkClaim(claim);
  const ringKey = ring.signingKey(now);
  // Never 0, which jsonwebtoken takes for "not given". Rounded apart: no token ends before its ttl.
  const iat = Math.max(1, Math.floor(now / 1000));
  const exp = Math.max(1, Math.ceil(now / 1000)) + ttl;
  const payload = { iss: issuer, aud: audience, ...said, iat, exp, jti: randomUUID() };
  const token = jsonwebtoken.sign(payload, ringKey.key, {
    algorithm: ALGORITHM,
    header: headerOf(said.kind, ringKey.kid),
  });
  if (token.length <= limit) return { token, payload, ringKey };
  throw new InvalidData('token claim', [
    { path: 'events', message: `make a token of more than ${limit} characters; name fewer` },
  ]);
}

/** Over-long text is not even hashed. */
function findCached(
  cache: TokenCache<Genuine>,
  token: unknown,
  limit: number,
): Genuine | undefined {
  return typeof token === 'string' && token.length <= limit ? cache.find(token) : undefined;
}

/** The claims of a token whose signature, issuer, audience and end hold. */
function readSigned(
  token: string,
  { key }: RingKey,
  { issuer, audience }: Names,
  moment: number,
): unknown {
  try {
    return jsonwebtoken.verify(token, key, {
      algorithms: [ALGORITHM],
      issuer,
      audience,
      clockTolerance: 0,
      // Never 0, which jsonwebtoken takes for "not given".
      clockTimestamp: Math.max(1, Math.floor(moment / 1000)),
    });
  } catch (error) {
    // The library's message is dropped: it could repeat what the token says.
    throw error instanceof jsonwebtoken.TokenExpiredError ? expired() : notGenuine();
  }
}

/**
 * Whether it is of the kind that the header names and lives no longer than that kind may.
 * When it was issued is not compared with this clock, which may be behind the signer's.
 */
function isOfKind({ kind, iat, exp }: TokenPayload, headerKind: TokenKind): boolean {
  const life = exp - iat;
  // One second more for the rounding of both.
  return kind === headerKind && life > 0 && life <= TOKEN_LIFETIMES[kind].longest + 1;
}

/** What a payload says of its bearer; only one of a job has a generation, events and a use. */
type Bearer = Pick<TokenPayload, 'sub' | 'kind' | 'jti' | 'exp'> & {
  readonly gen?: number | undefined;
  readonly evt?: readonly string[] | undefined;
  readonly use?: 'once' | undefined;
};

function toVerified(payload: Bearer): VerifiedToken {
  const isJob = payload.kind === 'job';
  const told: Changing<VerifiedToken> = {
    actor: Object.freeze({ kind: payload.kind, id: payload.sub }),
    tokenId: payload.jti,
    expiresAt: payload.exp * 1000,
    once: isJob && payload.use === 'once',
  };
  if (isJob && payload.gen !== undefined) told.generation = payload.gen;
  if (isJob && payload.evt) told.events = new Set(payload.evt);
  return Object.freeze(told);
}

/** One reason for all of them: what exactly was wrong would only help a forger. */
function notGenuine(): Unauthenticated {
  return new Unauthenticated(
    'the token is not genuine here: malformed, altered, or signed by a key not in force; get a new one',
  );
}

function expired(): Unauthenticated {
  return new Unauthenticated('the token has expired');
}
