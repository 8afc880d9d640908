import { describe, expect, it } from 'vitest';
import { TOKEN_LIFETIMES } from '../../src/auth/tokens.ts';
import type { TokenClaim } from '../../src/auth/tokens.ts';
import { InvalidData } from '../../src/errors.ts';
import {
  START,
  SECOND,
  JOB,
  KINDS,
  key,
  setUp,
  claimOf,
  forge,
  headerOf,
  seconds,
  ADMIN_PAYLOAD,
  JOB_PAYLOAD,
  refusalOf,
  NOT_GENUINE,
  EXPIRED,
} from './tokenSetUp.ts';

describe('a token that was issued', () => {
  it.each(['admin', 'operator', 'reader', 'worker'] as const)(
    'proves its %s and nothing more',
    (kind) => {
      const { tokens } = setUp();
      const { token, expiresAt } = tokens.issue({
        kind,
        subject: 'Ada Lovelace <ada@example.org>',
      });
      expect(tokens.verify(token)).toEqual({
        actor: { kind, id: 'Ada Lovelace <ada@example.org>' },
        tokenId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        expiresAt: expiresAt.getTime(),
        once: false,
      });
    },
  );

  it('proves its job with generation, events and one-time use', () => {
    const { tokens } = setUp();
    const claim = { kind: 'job', jobId: JOB, generation: 7 } as const;
    const limited = tokens.issue({ ...claim, events: ['RUN', 'update', 'run'], once: true });
    expect(tokens.verify(limited.token)).toMatchObject({
      actor: { kind: 'job', id: JOB },
      generation: 7,
      events: new Set(['run', 'update']),
      once: true,
    });
    const plain = tokens.verify(tokens.issue(claim).token);
    expect([plain.generation, plain.events, plain.once]).toEqual([7, undefined, false]);
  });

  it('keeps an empty list of events empty: it is not the same as none', () => {
    const { tokens } = setUp();
    const { token } = tokens.issue({ kind: 'job', jobId: JOB, generation: 1, events: [] });
    expect(tokens.verify(token).events).toEqual(new Set());
  });

  it('has exactly the header and the claims that the design names', () => {
    const { tokens } = setUp();
    const { token } = tokens.issue({ kind: 'job', jobId: JOB, generation: 1 });
    const [header, payload] = token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as object);
    expect(header).toEqual({ alg: 'HS256', typ: 'jobwright-job+jwt', kid: 'main' });
    expect(new Set(Object.keys(payload ?? {}))).toEqual(new Set(Object.keys(JOB_PAYLOAD)));
  });

  it('has an id of its own each time', () => {
    const { tokens } = setUp();
    const ids = Array.from({ length: 100 }, () => {
      const { token } = tokens.issue(claimOf('admin'));
      return tokens.verify(token).tokenId;
    });
    expect(new Set(ids).size).toBe(100);
  });

  it('cannot be changed by whom it is shown to', () => {
    const { tokens } = setUp();
    const { token } = tokens.issue(claimOf('reader'));
    const shown = tokens.verify(token);
    expect(Object.isFrozen(shown) && Object.isFrozen(shown.actor)).toBe(true);
  });

  it('can be verified by another process with the same keys only', () => {
    const { token } = setUp().tokens.issue(claimOf('job'));
    expect(setUp().tokens.verify(token).actor.id).toBe(JOB);
    expect(refusalOf(setUp({ keys: [key('main')] }).tokens, token).reason).toBe(NOT_GENUINE);
    expect(refusalOf(setUp({ issuer: 'other' }).tokens, token).reason).toBe(NOT_GENUINE);
    expect(refusalOf(setUp({ audience: 'other' }).tokens, token).reason).toBe(NOT_GENUINE);
  });

  it('works with a clock that stands at 0', () => {
    const { clock, tokens } = setUp();
    clock.now = 0;
    const { token, expiresAt } = tokens.issue(claimOf('job', 10));
    expect(tokens.verify(token).expiresAt).toBe(expiresAt.getTime());
    clock.now = 12 * SECOND;
    expect(refusalOf(tokens, token).reason).toBe(EXPIRED);
  });
});

describe('the life of a token', () => {
  it.each(KINDS)('is the usual one of a %s where nothing is said', (kind) => {
    const { expiresAt } = setUp().tokens.issue(claimOf(kind));
    const fullSecond = Math.ceil(START / SECOND) * SECOND;
    expect(expiresAt.getTime() - fullSecond).toBe(TOKEN_LIFETIMES[kind].usual * SECOND);
  });

  it.each([undefined, 1, 60, 3600, 86_400])(
    'of an admin, said to be %s: accepted within, refused for good after',
    (ttl) => {
      const { clock, tokens } = setUp();
      const fresh = setUp({ now: () => clock.now }).tokens;
      const life = (ttl ?? TOKEN_LIFETIMES.admin.usual) * SECOND;
      const { token, expiresAt } = tokens.issue(claimOf('admin', ttl));
      for (const moment of [START, START + life, expiresAt.getTime() - 1]) {
        clock.now = moment;
        expect(tokens.verify(token).actor.kind).toBe('admin');
        expect(fresh.verify(token).actor.kind).toBe('admin');
      }
      for (const moment of [expiresAt.getTime(), START + 2 * life, START + 100 * life]) {
        clock.now = moment;
        expect(refusalOf(tokens, token).reason).toBe(EXPIRED);
        expect(refusalOf(setUp({ now: () => clock.now }).tokens, token).reason).toBe(EXPIRED);
      }
    },
  );

  it.each(KINDS)('of a %s has a longest', (kind) => {
    const { tokens } = setUp();
    const { longest } = TOKEN_LIFETIMES[kind];
    expect(tokens.verify(tokens.issue(claimOf(kind, longest)).token).actor.kind).toBe(kind);
    for (const ttl of [longest + 1, 0, -1, 0.5, NaN, Infinity, '60' as unknown as number]) {
      expect(() => tokens.issue(claimOf(kind, ttl))).toThrow(
        new InvalidData('token claim', [
          { path: 'ttl', message: `must be a whole number of seconds from 1 to ${longest}` },
        ]),
      );
    }
    const exp = seconds + longest + 2;
    const payload = { ...(kind === 'job' ? JOB_PAYLOAD : ADMIN_PAYLOAD), kind, exp };
    expect(refusalOf(tokens, forge(headerOf(kind), payload)).reason).toBe(NOT_GENUINE);
    const allowed = forge(headerOf(kind), { ...payload, exp: exp - 1 });
    expect(tokens.verify(allowed).actor.kind).toBe(kind);
  });

  it.each<[string, Record<string, unknown>]>([
    ['an empty subject', { kind: 'admin', subject: '' }],
    ['a subject with a line end', { kind: 'admin', subject: 'a\nb' }],
    ['a subject that is too long', { kind: 'admin', subject: 'x'.repeat(201) }],
    ['a subject that is not text', { kind: 'admin', subject: 7 }],
    ['a kind that has no tokens', { kind: 'system', subject: 'x' }],
    ['an admin for one event', { kind: 'admin', subject: 'ada', events: ['run'] }],
    ['a job without a generation', { kind: 'job', jobId: JOB }],
    ['a negative generation', { kind: 'job', jobId: JOB, generation: -1 }],
    ['an event that has no name', { kind: 'job', jobId: JOB, generation: 1, events: [''] }],
    ['a lone surrogate', { kind: 'reader', subject: '\ud800' }],
    [
      'too many events',
      {
        kind: 'job',
        jobId: JOB,
        generation: 1,
        events: Array.from({ length: 400 }, (_, index) => `event${index}`),
      },
    ],
  ])('is not given for %s', (_name, claim) => {
    expect(() => setUp().tokens.issue(claim as TokenClaim)).toThrow(InvalidData);
  });
});

describe('a token that was verified before', () => {
  it('is told from memory, yet expires, and a look-alike is still refused', () => {
    const { clock, tokens } = setUp();
    const { token, expiresAt } = tokens.issue(claimOf('operator', 60));
    const first = tokens.verify(token);
    expect(tokens.verify(token)).toBe(first);
    const last = token.at(-1) === 'A' ? 'B' : 'A';
    expect(refusalOf(tokens, token.slice(0, -1) + last).reason).toBe(NOT_GENUINE);
    clock.now = expiresAt.getTime();
    expect(refusalOf(tokens, token).reason).toBe(EXPIRED);
  });
});
