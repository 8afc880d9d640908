import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { PlanRefused } from '../errors.ts';
import { isInForce, type KeyRing, type RingKey } from './keyRing.ts';

/** What a plan stands for. */
export interface Plan {
  /** Of what was asked, and who asked. */
  readonly digest: string;
  /** When it was made, in milliseconds since 1970. */
  readonly madeAt: number;
}

export interface PlanTokens {
  /** Signs a plan that is made now. */
  issue(digest: string): {
    readonly plan: string;
    readonly madeAt: number;
    readonly expiresAt: Date;
  };
  /** What a plan stands for. Throws PlanRefused for one that is forged, altered or too old. */
  read(plan: string): Plan;
}

/** How long a plan holds, in milliseconds: what it told may be outdated after that. */
const lifetimeMs = 15 * 60_000;

const payloadSchema = z.strictObject({ digest: z.string(), madeAt: z.int().min(0) });

/**
 * Plans as texts `plan.<kid>.<payload>.<signature>`, signed by the keys of tokens. What is signed begins
 * like no token, so neither passes for the other.
 */
export function createPlanTokens(ring: KeyRing, now: () => number): PlanTokens {
  return {
    issue(digest) {
      const madeAt = now();
      const { kid, key } = ring.signingKey(madeAt);
      const payload = Buffer.from(JSON.stringify({ digest, madeAt })).toString('base64url');
      const signed = `plan.${kid}.${payload}`;
      const plan = `${signed}.${sign(signed, key)}`;
      return { plan, madeAt, expiresAt: new Date(madeAt + lifetimeMs) };
    },
    read(plan) {
      const moment = now();
      const read = readSigned(ring, plan, moment);
      if (!read) throw new PlanRefused('it is not genuine here');
      if (moment >= read.madeAt + lifetimeMs) throw new PlanRefused('it is too old');
      return read;
    },
  };
}

const sign = (text: string, key: RingKey['key']): string =>
  createHmac('sha256', key).update(text).digest('base64url');

function readSigned(ring: KeyRing, plan: string, moment: number): Plan | undefined {
  const at = plan.lastIndexOf('.');
  const signed = plan.slice(0, Math.max(at, 0));
  const [, kid, payload] = /^plan\.([\w.-]{1,64})\.([\w-]+)$/.exec(signed) ?? [];
  const known = kid === undefined ? undefined : ring.findKey(kid);
  if (!known || !isInForce(known, moment) || payload === undefined) return undefined;
  const given = Buffer.from(plan.slice(at + 1));
  const right = Buffer.from(sign(signed, known.key));
  if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  return payloadSchema.parse(JSON.parse(Buffer.from(payload, 'base64url').toString()));
}
