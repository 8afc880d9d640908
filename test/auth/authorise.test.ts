import { describe, expect, it } from 'vitest';
import { authorise } from '../../src/auth/authorise.ts';
import type { Action, Principal } from '../../src/auth/authorise.ts';
import type { VerifiedToken } from '../../src/auth/tokens.ts';
import { AdminRequired, Forbidden, JobError, Unauthenticated } from '../../src/errors.ts';
import type { ActorKind } from '../../src/machine/actor.ts';

const JOB = '6ba7b811-9dad-51d1-80b4-00c04fd430c8';
const OTHER_JOB = '6ba7b812-9dad-51d1-80b4-00c04fd430c8';
const GENERATION = 3;

const jobPrincipal = (limits: Partial<VerifiedToken> = {}): Principal => {
  const actor = { kind: 'job', id: JOB } as const;
  const tokenId = '1f0e9c9a-6a1c-4f1e-9d5b-0a7c2d3e4f50';
  return {
    actor,
    token: { actor, tokenId, expiresAt: 1, generation: GENERATION, once: false, ...limits },
  };
};

const principalOf = (kind: ActorKind): Principal =>
  kind === 'job' ? jobPrincipal() : { actor: { kind, id: `${kind}-1` } };

/** 'ok' or the error's code. */
const outcome = (attempt: () => void): string => {
  try {
    attempt();
    return 'ok';
  } catch (error) {
    return error instanceof JobError ? error.code : String(error);
  }
};

const KINDS: ActorKind[] = ['job', 'worker', 'reader', 'operator', 'admin', 'system'];

/** y: may, n: FORBIDDEN, A: ADMIN_REQUIRED; a column a kind, in the order of KINDS. */
const MATRIX: Record<Action, string> = {
  'job.create': 'nnnyyy',
  'job.read': 'ynyyyy',
  'job.list': 'nnyyyy',
  'job.send': 'ynnyyy',
  'job.cancel': 'ynnyyy',
  'job.reset': 'AAAAyA',
  'job.delete': 'AAAAyA',
  'token.issue': 'nnnyyy',
  'token.revoke': 'nnnyyy',
  'registry.read': 'nnyyyy',
  'registry.write': 'nnnyyy',
  'stream.read': 'nnyyyy',
  'metrics.read': 'nnyyyy',
  'audit.read': 'AAAAyA',
  'job.work': 'nynyyy',
  'worker.act': 'nynyyy',
  'worker.read': 'nnyyyy',
  'bulk.run': 'nnnyyy',
  'dataset.write': 'nnnyyy',
};
const MEANING: Record<string, string> = { y: 'ok', n: 'FORBIDDEN', A: 'ADMIN_REQUIRED' };

const cells = (Object.entries(MATRIX) as [Action, string][]).flatMap(([action, row]) =>
  KINDS.map((kind, column) => ({ kind, action, expected: MEANING[row[column] ?? ''] })),
);

describe('who may do what', () => {
  it('is written out for every kind and action', () => {
    expect(cells).toHaveLength(19 * 6);
    expect(cells.every(({ expected }) => expected !== undefined)).toBe(true);
  });

  it.each(cells)('$kind, $action: $expected', ({ kind, action, expected }) => {
    const target = { jobId: JOB, generation: GENERATION, event: 'run' };
    expect(outcome(() => authorise(principalOf(kind), action, target))).toBe(expected);
  });

  it.each(['', 'job.explode', 'constructor', '__proto__', 'toString'])(
    'refuses the unknown action "%s" even to an admin',
    (action) => {
      const attempt = () => authorise(principalOf('admin'), action as Action, { jobId: JOB });
      expect(attempt).toThrow(Forbidden);
    },
  );

  it('refuses an unknown kind of actor', () => {
    const actor = { kind: 'root' as ActorKind, id: 'x' };
    expect(() => authorise({ actor }, 'job.read', { jobId: JOB })).toThrow(Forbidden);
  });

  it('tells what was refused, to whom, and who could', () => {
    const attempt = () => authorise(principalOf('worker'), 'job.list');
    expect(attempt).toThrow(
      'Not allowed to list jobs: a worker has no right to; it takes one of reader, operator, admin',
    );
  });

  it('names the action that takes an admin', () => {
    const attempt = () => authorise(principalOf('operator'), 'job.reset', { jobId: JOB });
    expect(attempt).toThrow(AdminRequired);
    expect(attempt).toThrow(expect.objectContaining({ action: 'reset' }) as AdminRequired);
  });
});

describe('a job token', () => {
  const OWN_ACTIONS: Action[] = ['job.read', 'job.send', 'job.cancel'];

  it.each(Object.keys(MATRIX) as Action[])('is no credential for %s on another job', (action) => {
    const target = { jobId: OTHER_JOB, generation: GENERATION, event: 'run' };
    const attempt = () => authorise(jobPrincipal(), action, target);
    expect(attempt).toThrow(new Unauthenticated('the token belongs to another job'));
  });

  it.each(OWN_ACTIONS)('does not do %s without a job being named', (action) => {
    expect(() => authorise(jobPrincipal(), action, { event: 'run' })).toThrow(Forbidden);
  });

  it.each([2, 4, 0, NaN])(
    'is revoked when the job is of generation %d and it is of 3',
    (generation) => {
      const attempt = () => authorise(jobPrincipal(), 'job.read', { jobId: JOB, generation });
      expect(attempt).toThrow(new Unauthenticated('the token was revoked'));
    },
  );

  it('passes before the job is loaded, when its generation is not known yet', () => {
    expect(() => authorise(jobPrincipal(), 'job.read', { jobId: JOB })).not.toThrow();
  });

  it('is told to be revoked rather than to lack a right', () => {
    const revoked = { jobId: JOB, generation: 4 };
    const limited = jobPrincipal({ events: new Set(['update']) });
    expect(outcome(() => authorise(limited, 'job.cancel', revoked))).toBe('UNAUTHENTICATED');
    expect(outcome(() => authorise(limited, 'job.reset', revoked))).toBe('UNAUTHENTICATED');
  });

  it.each([
    { events: ['run', 'update'], event: 'run', expected: 'ok' },
    { events: ['run', 'update'], event: 'RUN', expected: 'ok' },
    { events: ['run', 'update'], event: 'finish', expected: 'FORBIDDEN' },
    { events: ['run', 'update'], event: undefined, expected: 'FORBIDDEN' },
    { events: ['run'], event: '', expected: 'FORBIDDEN' },
    { events: [], event: 'run', expected: 'FORBIDDEN' },
  ])('limited to $events sends $event: $expected', ({ events, event, expected }) => {
    const principal = jobPrincipal({ events: new Set(events) });
    const target = { jobId: JOB, ...(event === undefined ? {} : { event }) };
    expect(outcome(() => authorise(principal, 'job.send', target))).toBe(expected);
  });

  it('with a list of events cancels only if cancel is on it, and always reads', () => {
    const outcomes = [['update'], ['cancel']].map((events) => {
      const principal = jobPrincipal({ events: new Set(events) });
      return (['job.cancel', 'job.read'] as const).map((action) =>
        outcome(() => authorise(principal, action, { jobId: JOB })),
      );
    });
    expect(outcomes).toEqual([
      ['FORBIDDEN', 'ok'],
      ['ok', 'ok'],
    ]);
  });

  it('tells which events it is for, and nothing of the event that was asked', () => {
    const principal = jobPrincipal({ events: new Set(['run', 'update']) });
    const attempt = () =>
      authorise(principal, 'job.send', { jobId: JOB, event: 'x\r\n<script>'.repeat(50) });
    expect(attempt).toThrow(new Forbidden('send events', 'this token is only for run, update'));
  });
});

describe('an actor and its token', () => {
  it('refuses a job without a token', () => {
    const principal: Principal = { actor: { kind: 'job', id: JOB } };
    expect(() => authorise(principal, 'job.read', { jobId: JOB })).toThrow(Unauthenticated);
  });

  it.each([
    { kind: 'admin', id: 'ada' },
    { kind: 'job', id: OTHER_JOB },
  ] as const)('refuses $kind $id with the token of a job', (actor) => {
    const { token } = jobPrincipal();
    const principal: Principal = { actor, ...(token ? { token } : {}) };
    expect(() => authorise(principal, 'job.read', { jobId: OTHER_JOB })).toThrow(Unauthenticated);
  });
});
