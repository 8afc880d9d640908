import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SecretKey } from '../../src/auth/secrets.ts';
import { createTokens, TOKEN_LIFETIMES, TOKEN_LIMIT } from '../../src/auth/tokens.ts';
import type { TokenClaim, TokenKind, Tokens, TokensOptions } from '../../src/auth/tokens.ts';
import { InvalidConfiguration, InvalidData, Unauthenticated } from '../../src/errors.ts';

const START = Date.UTC(2026, 0, 1, 12, 0, 0, 250);
const SECOND = 1000;
const JOB = '6ba7b811-9dad-51d1-80b4-00c04fd430c8';
const KINDS: TokenKind[] = ['job', 'admin', 'operator', 'reader', 'worker'];
const key = (kid: string, more: Partial<SecretKey> = {}): SecretKey => ({
  kid,
  secret: randomBytes(32),
  ...more,
});
const MAIN = key('main');

/** Tokens with a clock that a test moves. */
const setUp = (options: Partial<TokensOptions> = {}) => {
  const clock = { now: START };
  const tokens = createTokens({ keys: [MAIN], now: () => clock.now, ...options });
  return { clock, tokens };
};

const claimOf = (kind: TokenKind, ttl?: number): TokenClaim => {
  const life = ttl === undefined ? {} : { ttl };
  return kind === 'job'
    ? { kind, jobId: JOB, generation: 1, ...life }
    : { kind, subject: `${kind}-1`, ...life };
};

const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token signed well by hand, whatever its header and payload say. */
const forge = (header: unknown, payload: unknown, { secret }: SecretKey = MAIN): string => {
  const body = `${encode(header)}.${encode(payload)}`;
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
};

const headerOf = (kind: string, kid = 'main') => ({
  alg: 'HS256',
  typ: `jobwright-${kind}+jwt`,
  kid,
});

const seconds = Math.floor(START / SECOND);
const ADMIN_PAYLOAD = {
  iss: 'jobwright',
  aud: 'jobwright',
  sub: 'ada',
  kind: 'admin',
  iat: seconds,
  exp: seconds + 3600,
  jti: '3f2c8a52-74ac-4c1e-8f0a-5d2b1c9e7a60',
};
const JOB_PAYLOAD = { ...ADMIN_PAYLOAD, sub: JOB, kind: 'job', gen: 1 };

const refusalOf = (tokens: Tokens, token: unknown): Unauthenticated => {
  try {
    tokens.verify(token);
  } catch (error) {
    if (error instanceof Unauthenticated) return error;
    throw error;
  }
  throw new Error('expected a refusal');
};

const NOT_GENUINE = refusalOf(setUp().tokens, 'x').reason;
const EXPIRED = 'the token has expired';

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

describe('a forged token', () => {
  const { tokens } = setUp();

  it('is refused where the same made well is accepted', () => {
    expect(tokens.verify(forge(headerOf('admin'), ADMIN_PAYLOAD)).actor.id).toBe('ada');
    expect(tokens.verify(forge(headerOf('job'), JOB_PAYLOAD)).actor.id).toBe(JOB);
  });

  const admin = headerOf('admin');
  it.each<[string, unknown]>([
    ['another kind', headerOf('operator')],
    ['an unknown kind', headerOf('system')],
    ['a plain JWT', { ...admin, typ: 'JWT' }],
    ['no typ', { alg: 'HS256', kid: 'main' }],
    ['an unknown kid', headerOf('admin', 'other')],
    ['a kid from the prototype', headerOf('admin', '__proto__')],
    ['a kid that is a path', headerOf('admin', '../../dev/null')],
    ['no kid', { alg: 'HS256', typ: admin.typ }],
    ['alg none', { ...admin, alg: 'none' }],
    ['alg HS512', { ...admin, alg: 'HS512' }],
    ['alg RS256', { ...admin, alg: 'RS256' }],
    ['alg in other letters', { ...admin, alg: 'hs256' }],
    ['jku', { ...admin, jku: 'https://example.org/keys' }],
    ['jwk', { ...admin, jwk: { kty: 'oct', k: encode('x') } }],
    ['x5u', { ...admin, x5u: 'https://example.org/certificate' }],
    ['crit', { ...admin, crit: ['exp'] }],
    ['b64', { ...admin, b64: false }],
    ['a field twice', '{"alg":"none","alg":"HS256","typ":"jobwright-admin+jwt","kid":"main"}'],
    ['space', '{"alg":"HS256", "typ":"jobwright-admin+jwt","kid":"main"}'],
    ['a list', [admin]],
    ['null', 'null'],
    ['no JSON', 'x'],
    ['nothing', ''],
  ])('with the header %s is refused', (_name, header) => {
    expect(refusalOf(tokens, forge(header, ADMIN_PAYLOAD)).reason).toBe(NOT_GENUINE);
  });

  const without = (claim: string) =>
    Object.fromEntries(Object.entries(ADMIN_PAYLOAD).filter(([name]) => name !== claim));
  const text = JSON.stringify(ADMIN_PAYLOAD);
  it.each<[string, unknown]>([
    ...Object.keys(ADMIN_PAYLOAD).map((claim): [string, unknown] => [
      `no ${claim}`,
      without(claim),
    ]),
    ['another issuer', { ...ADMIN_PAYLOAD, iss: 'other' }],
    ['another audience', { ...ADMIN_PAYLOAD, aud: 'other' }],
    ['a list of audiences', { ...ADMIN_PAYLOAD, aud: ['jobwright'] }],
    ['another kind than the header', { ...ADMIN_PAYLOAD, kind: 'operator' }],
    ['the kind of a job', JOB_PAYLOAD],
    ['the system', { ...ADMIN_PAYLOAD, kind: 'system' }],
    ['exp as text', { ...ADMIN_PAYLOAD, exp: String(ADMIN_PAYLOAD.exp) }],
    ['exp in parts of a second', { ...ADMIN_PAYLOAD, exp: ADMIN_PAYLOAD.exp + 0.5 }],
    ['an endless exp', text.replace(String(ADMIN_PAYLOAD.exp), '1e999')],
    ['iat after exp', { ...ADMIN_PAYLOAD, iat: ADMIN_PAYLOAD.exp + 1 }],
    ['a negative iat', { ...ADMIN_PAYLOAD, iat: -1 }],
    ['a jti that is no id', { ...ADMIN_PAYLOAD, jti: '1' }],
    ['an empty sub', { ...ADMIN_PAYLOAD, sub: '' }],
    ['a sub that is an object', { ...ADMIN_PAYLOAD, sub: { $ne: null } }],
    ['nbf', { ...ADMIN_PAYLOAD, nbf: seconds }],
    ['an extra claim', { ...ADMIN_PAYLOAD, role: 'root' }],
    ['an extra __proto__', text.replace('}', ',"__proto__":{"x":1}}')],
    ['an event list for an admin', { ...ADMIN_PAYLOAD, evt: ['run'] }],
    ['a generation for an admin', { ...ADMIN_PAYLOAD, gen: 1 }],
    ['a claim twice', text.replace('"sub"', '"sub":"eve","sub"')],
    ['a claim twice, alike', text.replace('"sub"', '"sub":"ada","sub"')],
    ['space', text.replace(',', ', ')],
    ['escaped letters', text.replace('ada', '\\u0061da')],
    ['a bare string', '"ada"'],
    ['text that is not JSON', 'ada'],
    ['a list', [ADMIN_PAYLOAD]],
    ['null', 'null'],
    ['nothing', ''],
  ])('with the payload %s is refused', (_name, payload) => {
    expect(refusalOf(tokens, forge(admin, payload)).reason).toBe(NOT_GENUINE);
  });

  it.each<[string, Record<string, unknown>]>([
    ['no generation', { gen: undefined }],
    ['a negative generation', { gen: -1 }],
    ['a generation that is text', { gen: '1' }],
    ['an event in capitals', { evt: ['RUN'] }],
    ['events that are no list', { evt: 'run' }],
    ['another use', { use: 'many' }],
  ])('of a job with %s is refused', (_name, change) => {
    const token = forge(headerOf('job'), { ...JOB_PAYLOAD, ...change });
    expect(refusalOf(tokens, token).reason).toBe(NOT_GENUINE);
  });

  it('is not made an admin by editing the header of a job token', () => {
    const [, payload, signature] = tokens.issue(claimOf('job')).token.split('.');
    const edited = `${encode(headerOf('admin'))}.${payload}.${signature}`;
    expect(refusalOf(tokens, edited).reason).toBe(NOT_GENUINE);
  });

  it('without a signature, or with an RSA one, is refused', () => {
    const none = `${encode({ ...admin, alg: 'none' })}.${encode(ADMIN_PAYLOAD)}.`;
    const unsigned = `${encode(admin)}.${encode(ADMIN_PAYLOAD)}.`;
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const body = `${encode({ ...admin, alg: 'RS256' })}.${encode(ADMIN_PAYLOAD)}`;
    const rsa = `${body}.${sign('sha256', Buffer.from(body), privateKey).toString('base64url')}`;
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
    const confused = forge(admin, ADMIN_PAYLOAD, key('main', { secret: Buffer.from(publicKey) }));
    for (const token of [none, unsigned, rsa, confused]) {
      expect(refusalOf(tokens, token).reason).toBe(NOT_GENUINE);
    }
  });

  it('signed with another secret under a known kid is refused', () => {
    const token = forge(admin, ADMIN_PAYLOAD, key('main'));
    expect(refusalOf(tokens, token).reason).toBe(NOT_GENUINE);
  });

  it.each([undefined, null, ''])('is asked for where %s is given', (nothing) => {
    expect(refusalOf(tokens, nothing).reason).toBe('no token was given');
  });

  it('that is no token at all is refused', () => {
    const { token } = tokens.issue(claimOf('admin'));
    const [header, payload, signature] = token.split('.');
    const objects = [7, true, {}, [token], { $ne: null }, new String(token), Buffer.from(token)];
    const texts = [
      '.',
      '..',
      '...',
      'a.b.c',
      `${header}.${payload}`,
      `${token}.${signature}`,
      `${token}.`,
      ` ${token}`,
      `${token}\n`,
      `${token}=`,
      `Bearer ${token}`,
      `${header}=.${payload}.${signature}`,
      `${header}.${payload}=.${signature}`,
      `${token}${'A'.repeat(TOKEN_LIMIT)}`,
      'x'.repeat(5_000_000),
    ];
    for (const wrong of [...objects, ...texts]) {
      expect(refusalOf(tokens, wrong).reason).toBe(NOT_GENUINE);
    }
  });

  it('over the limit is refused even where it is signed well', () => {
    const evt = Array.from({ length: 400 }, (_, index) => `event${index}`);
    const token = forge(headerOf('job'), { ...JOB_PAYLOAD, evt });
    expect(token.length).toBeGreaterThan(TOKEN_LIMIT);
    expect(refusalOf(tokens, token).reason).toBe(NOT_GENUINE);
    const shorter = forge(headerOf('job'), { ...JOB_PAYLOAD, evt: evt.slice(0, 150) });
    expect(tokens.verify(shorter).events?.size).toBe(150);
  });

  it('is any token with one character changed, added or left out', () => {
    const { token } = tokens.issue({ ...claimOf('job'), events: ['run'] } as TokenClaim);
    tokens.verify(token);
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \u0000é';
    for (let place = 0; place < token.length; place += 1) {
      const before = token.slice(0, place);
      const after = token.slice(place + 1);
      const other = token[place] === 'A' ? 'B' : 'A';
      for (const tampered of [
        before + other + after,
        before + after,
        `${before}A${token.slice(place)}`,
      ]) {
        if (tampered === token) continue;
        expect(refusalOf(tokens, tampered).reason).toBe(NOT_GENUINE);
      }
    }
    const changes = fc.tuple(fc.nat(token.length - 1), fc.constantFrom(...alphabet));
    fc.assert(
      fc.property(changes, ([place, character]) => {
        fc.pre(token[place] !== character);
        const tampered = token.slice(0, place) + character + token.slice(place + 1);
        expect(refusalOf(tokens, tampered).reason).toBe(NOT_GENUINE);
      }),
      { numRuns: 2000 },
    );
  });

  it('of any shape gets the one refusal and never another error', () => {
    const part = fc.oneof(
      fc.base64String(),
      fc.string({ unit: 'binary' }),
      fc.json().map(encode),
      fc.constantFrom(encode(admin), encode(ADMIN_PAYLOAD)),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const { reason } = refusalOf(tokens, parts.join('.'));
        expect([NOT_GENUINE, 'no token was given']).toContain(reason);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a change of keys', () => {
  const retireAt = new Date(START + 3600 * SECOND);

  it('signs with the first and verifies the older until it retires', () => {
    const old = key('old', { retireAt });
    const before = setUp({ keys: [old] });
    const earlier = before.tokens.issue(claimOf('job')).token;
    const { clock, tokens } = setUp({ keys: [key('new'), old] });
    const later = tokens.issue(claimOf('job')).token;
    expect(later.split('.')[0]).toBe(encode(headerOf('job', 'new')));
    expect(tokens.verify(earlier).actor.id).toBe(JOB);
    expect(refusalOf(before.tokens, later).reason).toBe(NOT_GENUINE);
    clock.now = retireAt.getTime() - 1;
    expect(tokens.verify(earlier).actor.id).toBe(JOB);
    clock.now = retireAt.getTime();
    expect(refusalOf(tokens, earlier).reason).toBe(NOT_GENUINE);
    expect(tokens.verify(later).actor.id).toBe(JOB);
    const uncached = setUp({ keys: [key('new'), old], now: () => clock.now }).tokens;
    expect(refusalOf(uncached, earlier).reason).toBe(NOT_GENUINE);
  });

  it('refuses the tokens of a key that is taken away', () => {
    const { token } = setUp({ keys: [key('old')] }).tokens.issue(claimOf('admin'));
    expect(refusalOf(setUp({ keys: [key('new')] }).tokens, token).reason).toBe(NOT_GENUINE);
  });

  it('signs with the next key while the first is not yet in force', () => {
    const next = key('next', { notBefore: new Date(START + 60 * SECOND) });
    const { clock, tokens } = setUp({ keys: [next, MAIN] });
    const ahead = setUp({ keys: [next], now: () => START + 60 * SECOND }).tokens;
    const early = ahead.issue(claimOf('job')).token;
    expect(tokens.issue(claimOf('job')).token.split('.')[0]).toBe(encode(headerOf('job')));
    expect(refusalOf(tokens, early).reason).toBe(NOT_GENUINE);
    clock.now = START + 55 * SECOND;
    expect(tokens.verify(early).actor.id).toBe(JOB);
    clock.now = START + 60 * SECOND;
    expect(tokens.issue(claimOf('job')).token.split('.')[0]).toBe(encode(headerOf('job', 'next')));
  });

  it('issues nothing when no key is in force', () => {
    const { tokens } = setUp({ keys: [key('old', { retireAt: new Date(START) })] });
    expect(() => tokens.issue(claimOf('admin'))).toThrow(InvalidConfiguration);
  });

  it.each<[string, SecretKey[]]>([
    ['no key', []],
    ['a short secret', [key('main', { secret: randomBytes(31) })]],
    ['a kid twice', [key('main'), key('main')]],
    ['an example secret', [key('main', { secret: Buffer.alloc(32) })]],
  ])('does not start with %s', (_name, keys) => {
    expect(() => setUp({ keys })).toThrow(InvalidConfiguration);
  });
});

describe('what a refusal tells', () => {
  it('is never any part of the token or of the secret', () => {
    const { clock, tokens } = setUp();
    const { token } = tokens.issue({ kind: 'admin', subject: 'ada.lovelace' });
    const [header, payload, signature] = token.split('.');
    const wrong = [
      `${header}.${payload}.${signature?.slice(1)}A`,
      `${header}.${signature}.${payload}`,
      `${payload}.${header}.${signature}`,
      forge(headerOf('admin'), { ...ADMIN_PAYLOAD, sub: 'ada.lovelace', iss: 'elsewhere' }),
      forge(headerOf('admin', 'elsewhere'), ADMIN_PAYLOAD),
      'not-a-token',
      token,
    ];
    clock.now = START + 7200 * SECOND;
    const words = ['ada.lovelace', 'elsewhere', 'not-a-token', MAIN.secret.toString('base64url')];
    const parts = wrong
      .flatMap((text) => text.split('.'))
      .flatMap((part) => part.match(/.{8}/g) ?? []);
    for (const text of wrong) {
      const refusal = refusalOf(tokens, text);
      const told = [String(refusal), refusal.message, JSON.stringify(refusal)].join(' ');
      expect(refusal.cause).toBeUndefined();
      expect([...words, ...parts].filter((part) => told.includes(part))).toEqual([]);
    }
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
