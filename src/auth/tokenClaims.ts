import { z } from 'zod';
import { InvalidData } from '../errors.ts';
import type { Changing } from '../machine/changing.ts';

const HOURS = 3600;
const DAYS = 24 * HOURS;

/** How long a token of a kind lives, in seconds: when nothing is said (`usual`), and at most (`longest`). */
export const TOKEN_LIFETIMES = {
  /** Usually longer than a job runs: its callback URL must work to the end. */
  job: { usual: 30 * DAYS, longest: 365 * DAYS },
  admin: { usual: 1 * HOURS, longest: 24 * HOURS },
  operator: { usual: 12 * HOURS, longest: 30 * DAYS },
  reader: { usual: 12 * HOURS, longest: 30 * DAYS },
  worker: { usual: 24 * HOURS, longest: 30 * DAYS },
} as const;

/** The actors that have tokens. The system has none: it only acts from inside. */
export type TokenKind = keyof typeof TOKEN_LIFETIMES;

/**
 * What a token is to say. `ttl` is in whole seconds, up to the longest of its kind.
 * `events` limits a job token to these events, whatever the case of their letters; an empty list
 * leaves it only reading. `once` makes it good for one accepted send.
 */
export type TokenClaim =
  | {
      kind: 'job';
      jobId: string;
      generation: number;
      events?: readonly string[];
      once?: boolean;
      ttl?: number;
    }
  | { kind: Exclude<TokenKind, 'job'>; subject: string; ttl?: number };

/** A claim in the words of the payload; `ttl` becomes iat and exp. */
export interface CheckedClaim {
  readonly ttl: number;
  readonly said: {
    readonly sub: string;
    readonly kind: TokenKind;
    readonly gen?: number;
    readonly evt?: readonly string[];
    readonly use?: 'once';
  };
}

/** Checks a claim before anything is signed; throws InvalidData that names each wrong field. */
export function checkClaim(claim: TokenClaim): CheckedClaim {
  const parsed = claimSchema.safeParse(claim);
  if (!parsed.success) {
    const issues = parsed.error.issues.map(({ path, message }) => ({
      path: path.join('.'),
      message,
    }));
    throw new InvalidData('token claim', issues);
  }
  const { ttl } = parsed.data;
  if ('subject' in parsed.data) {
    return { ttl, said: { sub: parsed.data.subject, kind: parsed.data.kind } };
  }
  const { jobId, kind, generation, events, once } = parsed.data;
  const said: Changing<CheckedClaim['said']> = { sub: jobId, kind, gen: generation };
  if (events) said.evt = [...new Set(events)];
  if (once) said.use = 'once';
  return { ttl, said };
}

const identity = z
  .string()
  .regex(/^\P{C}{1,200}$/u, 'must be 1 to 200 characters, each of them visible');
const wholeNumber = z.number().int().nonnegative();
const eventName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, 'is not the name of an event');

const ttl = ({ usual, longest }: { usual: number; longest: number }) => {
  const message = `must be a whole number of seconds from 1 to ${longest}`;
  return z.int(message).min(1, message).max(longest, message).default(usual);
};

const subjectClaim = <Kind extends Exclude<TokenKind, 'job'>>(kind: Kind) =>
  z.strictObject({ kind: z.literal(kind), subject: identity, ttl: ttl(TOKEN_LIFETIMES[kind]) });

const claimSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('job'),
    jobId: identity,
    generation: wholeNumber,
    events: z.array(z.string().toLowerCase().pipe(eventName)).optional(),
    once: z.boolean().optional(),
    ttl: ttl(TOKEN_LIFETIMES.job),
  }),
  subjectClaim('admin'),
  subjectClaim('operator'),
  subjectClaim('reader'),
  subjectClaim('worker'),
]);

/**
 * The schema of a token's payload. Strict: exactly these claims, each of its one type, and what
 * limits a job token in no other kind.
 */
export function payloadSchema(issuer: string, audience: string) {
  const common = {
    iss: z.literal(issuer),
    aud: z.literal(audience),
    sub: identity,
    iat: wholeNumber,
    exp: wholeNumber,
    jti: z.uuid(),
  };
  return z.discriminatedUnion('kind', [
    z.strictObject({
      ...common,
      kind: z.literal('job'),
      gen: wholeNumber,
      evt: z.array(eventName).optional(),
      use: z.literal('once').optional(),
    }),
    z.strictObject({ ...common, kind: z.enum(['admin', 'operator', 'reader', 'worker']) }),
  ]);
}

/** A payload that its schema has passed. */
export type TokenPayload = z.infer<ReturnType<typeof payloadSchema>>;
