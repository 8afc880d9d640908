import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TOKEN_LIMIT } from '../../src/auth/tokens.ts';
import type { TokenClaim } from '../../src/auth/tokens.ts';
import {
  START,
  SECOND,
  JOB,
  key,
  MAIN,
  setUp,
  claimOf,
  encode,
  forge,
  headerOf,
  seconds,
  ADMIN_PAYLOAD,
  JOB_PAYLOAD,
  refusalOf,
  NOT_GENUINE,
} from './tokenSetUp.ts';

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
