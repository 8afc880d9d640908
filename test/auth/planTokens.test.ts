import { describe, expect, it } from 'vitest';
import { createTokens } from '../../src/auth/tokens.ts';
import { PlanRefused, Unauthenticated } from '../../src/errors.ts';

const secret = (fill: number) => Buffer.alloc(32, fill);
const start = Date.parse('2026-11-21T08:00:00Z');
const minute = 60_000;

function open({ at = start, kid = 'k1', fill = 7 } = {}) {
  return createTokens({ keys: [{ kid, secret: secret(fill) }], now: () => at });
}

describe('a plan token', () => {
  it('tells what it was made for and when, for a quarter of an hour', () => {
    const { plan, madeAt, expiresAt } = open().plans.issue('digest');
    expect(madeAt).toBe(start);
    expect(expiresAt.getTime()).toBe(start + 15 * minute);
    expect(open({ at: start + 15 * minute - 1 }).plans.read(plan)).toEqual({
      digest: 'digest',
      madeAt: start,
    });
    expect(() => open({ at: start + 15 * minute }).plans.read(plan)).toThrow(PlanRefused);
  });

  it('is refused when altered, cut, or signed by another secret', () => {
    const { plan } = open().plans.issue('digest');
    const [head, kid, payload, signature] = plan.split('.') as [string, string, string, string];
    const other = open().plans.issue('other').plan.split('.')[2] ?? '';
    const forged = [
      '',
      'plan',
      plan.slice(0, -1),
      `${plan}=`,
      [head, kid, other, signature].join('.'),
      [head, 'k2', payload, signature].join('.'),
      [head, kid, payload, ''].join('.'),
      [kid, payload, signature].join('.'),
      open({ fill: 8 }).plans.issue('digest').plan,
    ];
    for (const each of forged) expect(() => open().plans.read(each)).toThrow(PlanRefused);
  });

  it('is no token of an actor, and a token is no plan', () => {
    const tokens = open();
    const { plan } = tokens.plans.issue('digest');
    expect(() => tokens.verify(plan)).toThrow(Unauthenticated);
    const { token } = tokens.issue({ kind: 'admin', subject: 'ada' });
    expect(() => tokens.plans.read(token)).toThrow(PlanRefused);
    expect(() => tokens.plans.read(`plan.${token}`)).toThrow(PlanRefused);
  });
});
