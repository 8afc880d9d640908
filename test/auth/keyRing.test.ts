import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SecretKey } from '../../src/auth/secrets.ts';
import { InvalidConfiguration } from '../../src/errors.ts';
import {
  START,
  SECOND,
  JOB,
  key,
  MAIN,
  setUp,
  claimOf,
  encode,
  headerOf,
  refusalOf,
  NOT_GENUINE,
} from './tokenSetUp.ts';

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
