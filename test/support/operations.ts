import type { Principal } from '../../src/auth/authorise.ts';
import { JobError } from '../../src/errors.ts';
import type { Engine } from '../../src/jobs/engine.ts';
import { takeEvent } from '../../src/jobs/parseEvent.ts';
import { cancelJob, deleteJob } from '../../src/jobs/removeJob.ts';
import { resetJob } from '../../src/jobs/resetJob.ts';
import { sendEvents } from '../../src/jobs/sendEvents.ts';
import { setupJob } from '../../src/jobs/setupJob.ts';
import { fireTimers } from '../../src/maintenance/fireTimers.ts';

/** One request of a client, as plain data, so that it can be told to another process. */
export type Operation =
  | {
      readonly do: 'send';
      readonly job: string;
      readonly events: readonly { readonly name: string; readonly data?: unknown }[];
      readonly key?: string;
    }
  | {
      readonly do: 'setup';
      readonly type: string;
      readonly pipeline?: string;
      readonly data: Readonly<Record<string, unknown>>;
    }
  | { readonly do: 'reset'; readonly job: string; readonly key?: string }
  | { readonly do: 'delete' | 'cancel'; readonly job: string }
  /** Waits until the job's effects have run. */
  | { readonly do: 'runEffects'; readonly job: string }
  | { readonly do: 'fireTimers' };

export type Outcome =
  | {
      readonly ok: true;
      readonly job: string;
      readonly state: string;
      readonly version: number;
      /** The entries the request made, by seq and hash. */
      readonly entries: readonly { readonly seq: number; readonly hash: string }[];
    }
  | { readonly ok: false; readonly code: string; readonly error: Record<string, unknown> };

export const operator: Principal = { actor: { kind: 'operator', id: 'client' } };
export const admin: Principal = { actor: { kind: 'admin', id: 'ada' } };

/** Does what a client asks; a refusal is an outcome, anything else that goes wrong is thrown. */
export async function perform(engine: Engine, operation: Operation): Promise<Outcome> {
  try {
    return await attempt(engine, operation);
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    return { ok: false, code: error.code, error: error.toJSON() };
  }
}

async function attempt(engine: Engine, operation: Operation): Promise<Outcome> {
  switch (operation.do) {
    case 'send': {
      const { job: id, events, key } = operation;
      const { job, entries } = await sendEvents(engine, id, {
        principal: operator,
        demand: {
          kind: 'events',
          events: events.map((event) => takeEvent(event, engine.jsonLimits)),
        },
        ...(key !== undefined && { key }),
      });
      return done(
        job,
        entries.map(({ seq, entry }) => ({ seq, hash: entry.hash })),
      );
    }
    case 'setup': {
      const { type, pipeline, data } = operation;
      const { job, created } = await setupJob(engine, operator, type, { pipeline, data });
      return done(job, created ? [{ seq: job.seq, hash: job.headHash }] : []);
    }
    case 'reset': {
      const { job: id, key } = operation;
      return done(await resetJob(engine, admin, id, { reason: 'again', key }));
    }
    case 'delete':
      await deleteJob(engine, admin, operation.job, { reason: 'no longer wanted' });
      return done({ id: operation.job, state: '', seq: 0 });
    case 'cancel':
      await cancelJob(engine, operator, operation.job);
      return done({ id: operation.job, state: '', seq: 0 });
    case 'runEffects':
      await engine.projector.flush();
      await engine.effects.runFor(operation.job, 1);
      return done({ id: operation.job, state: '', seq: 0 });
    case 'fireTimers':
      await fireTimers(engine);
      return done({ id: '', state: '', seq: 0 });
  }
}

const done = (
  { id, state, seq }: { id: string; state: string; seq: number },
  entries: readonly { readonly seq: number; readonly hash: string }[] = [],
): Outcome => ({ ok: true, job: id, state, version: seq, entries });
