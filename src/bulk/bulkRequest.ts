import { hash } from 'node:crypto';
import { z } from 'zod';
import { bulkRun } from '../../machines/bulkRun.ts';
import type { Principal } from '../auth/authorise.ts';
import { InvalidData, UnknownEvent } from '../errors.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { Engine } from '../jobs/engine.ts';
import { issuesOf } from '../jobs/parseEvent.ts';
import { scopes, type Scope } from '../records/relations.ts';
import type { JobFilter } from '../store/store.ts';

export const bulkScopes = [...scopes, 'usual'] as const;

/** What is asked of many jobs. */
export interface BulkRequest {
  /**
   * reset, cancel, uncancel, delete, undelete, invalidate, uninvalidate, modify, comment, or any other
   * event of the jobs' machines. `delete` with `data: {hard: true}` deletes for good (admins).
   */
  readonly op: string;
  /** Which jobs; or `q`. */
  readonly ids?: readonly string[] | undefined;
  /** Filters of the list, or its text search: all that match and are there already. */
  readonly q?: string | JobFilter | undefined;
  /** Data of the event. */
  readonly data?: Readonly<Record<string, unknown>> | null | undefined;
  /** Whom it reaches beside those: `self` nobody (the default), or `usual` as it is usual for this operation. */
  readonly scope?: (typeof bulkScopes)[number] | undefined;
  /** Why; stands in the history of each. */
  readonly reason?: string | undefined;
  /** The plan that a dry run of this very request has answered. */
  readonly plan?: string | undefined;
}

/** A request that was checked; `usual` is worked out. */
export interface Asked {
  readonly op: string;
  readonly ids?: readonly unknown[] | undefined;
  readonly filter?: JobFilter | undefined;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly scope: Scope;
  readonly reason?: string | undefined;
  readonly plan?: string | undefined;
  /** A deletion for good. */
  readonly isHard: boolean;
}

const text = z.string().max(1_024).optional();
const filterSchema = z.strictObject({
  type: text,
  state: text,
  pipeline: text,
  tag: text,
  q: text,
});
const schema = z
  .strictObject({
    op: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'the name of an event'),
    // Each of them is looked at apart: what is no id has an outcome of its own.
    ids: z.custom<readonly unknown[]>((value) => Array.isArray(value), 'a list of ids').optional(),
    q: z.union([z.string().min(1).max(1_024), filterSchema]).optional(),
    data: z.record(z.string(), z.unknown()).nullish(),
    scope: z.enum(bulkScopes).default('self'),
    reason: z.string().max(2_000).optional(),
    plan: z.string().max(4_096).optional(),
  })
  .refine(({ ids, q }) => (ids === undefined) !== (q === undefined), 'give ids or q, one of them');

/** Whom an operation usually reaches beside the jobs that it is asked for. */
const usualScopes: Readonly<Record<string, Scope>> = {
  cancel: 'component',
  delete: 'component',
  invalidate: 'ancestors',
  reset: 'descendants',
  uncancel: 'descendants',
  undelete: 'descendants',
  uninvalidate: 'descendants',
};

/** Operations that bring back what was ended: children first, so that no parent sees them ended still. */
const restoring: ReadonlySet<string> = new Set(['reset', 'uncancel', 'undelete', 'uninvalidate']);

export const isRestoring = (op: string): boolean => restoring.has(op);

/** Throws InvalidData, and UnknownEvent for what no machine knows. */
export function readRequest({ registry, jsonLimits }: Engine, request: BulkRequest): Asked {
  const parsed = schema.safeParse(request);
  if (!parsed.success) throw new InvalidData('bulk', issuesOf(parsed.error, 'bulk'));
  const { op: name, ids, q, data, scope, reason, plan } = parsed.data;
  const lower = name.toLowerCase();
  const machines = registry.list();
  const isKnown = machines.some(({ eventNames }) => eventNames.has(lower));
  const op = restoring.has(lower) || Object.hasOwn(usualScopes, lower) ? lower : name;
  const { hard, ...rest } = data ?? {};
  const isHard = op === 'delete' && hard === true;
  if (!isHard && !isKnown) {
    const ofJobs = machines.filter(({ name: machine }) => machine !== bulkRun.name);
    const known = ofJobs.flatMap(({ eventNames }) => [...eventNames.values()]);
    throw new UnknownEvent(name, [...new Set(known)]);
  }
  const taken = canonicalJson(op === 'delete' ? rest : (data ?? {}), jsonLimits);
  if (!taken.ok) throw new InvalidData('data', taken.issues);
  return {
    op,
    ids: ids?.slice(),
    filter: typeof q === 'string' ? { q } : q,
    data: taken.text === '{}' ? null : (JSON.parse(taken.text) as Record<string, unknown>),
    scope: scope === 'usual' ? (isHard ? 'self' : (usualScopes[op] ?? 'self')) : scope,
    reason,
    plan,
    isHard,
  };
}

/** What a plan is bound to: what is asked and who asks, but not why. What is no id is like nothing that is one. */
export function digestOf(
  { op, ids, filter, data, scope, isHard }: Asked,
  { actor }: Principal,
): string {
  const asked = [op, isHard, ids?.map(textOrNull) ?? null, filter ?? null, data, scope];
  return hash('sha256', JSON.stringify([...asked, actor.kind, actor.id]));
}

const textOrNull = (id: unknown): string | null => (typeof id === 'string' ? id : null);
