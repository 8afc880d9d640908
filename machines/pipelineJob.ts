import { and, setup } from 'xstate';
import { z } from 'zod';
import { defineMachine, type EventsOf } from '../src/machine/define.ts';
import { emptiesArchive, isAdmin, keepsArchive } from './guards.ts';

/** Any JSON object, or nothing: outside systems report what they like. */
const note = z.looseObject({}).optional();

const events = {
  /** The job exists; said once more, it is a note. */
  create: note,
  /** The pipeline works on it. */
  run: note,
  /** A note about progress. */
  update: note,
  /** A note about resources: queued, staging, archiving. */
  resource: note,
  fail: note,
  finish: note,
  /** Outputs are being tied to metadata. */
  index: note,
  indexed: note,
  /** Outputs are being checked. */
  validate: note,
  validated: note,
  reject: note,
  finalize: note,
  /** Deprecated; kept for the record. */
  retire: note,
  /** Cleaned for another run. With `keepArchive` said either way the job becomes ready by itself. */
  reset: z
    .looseObject({ keepArchive: z.boolean().optional(), reason: z.string().optional() })
    .optional(),
  /** Cleaning is done. */
  ready: note,
};

const reset = [
  {
    guard: and(['isAdmin', 'emptiesArchive']),
    target: 'RESET',
    actions: ['clearArchive'],
  },
  { guard: and(['isAdmin', 'keepsArchive']), target: 'RESET', actions: ['sendReady'] },
  { guard: 'isAdmin', target: 'RESET' },
] as const;

/** Run by the engine after the commit, never by the machine. */
const effect = (): void => undefined;

const machine = setup({
  types: { events: {} as EventsOf<typeof events>, input: {} },
  guards: { isAdmin, emptiesArchive, keepsArchive },
  actions: { clearArchive: effect, sendReady: effect },
}).createMachine({
  id: 'pipelineJob',
  initial: 'CREATED',
  // One line a state reads as the table that it is.
  // prettier-ignore
  states: {
    /** Set up; nobody works on it yet. Resources may be gathered, and it may fail before it ran. */
    CREATED: { on: { create: 'CREATED', run: 'RUNNING', update: 'CREATED', resource: 'CREATED', fail: 'FAILED', reset } },
    /** The pipeline works on it. A second `run` is recorded, as schedulers say it twice. */
    RUNNING: { on: { run: 'RUNNING', update: 'RUNNING', resource: 'RUNNING', fail: 'FAILED', finish: 'FINISHED', reset } },
    /** It went wrong; only a reset leads back. */
    FAILED: { on: { retire: 'RETIRED', reset } },
    /** The work is done. */
    FINISHED: { on: { finish: 'FINISHED', index: 'INDEXING', indexed: 'FINISHED', validate: 'VALIDATING', retire: 'RETIRED', reset } },
    /** Its outputs are being tied to metadata. */
    INDEXING: { on: { update: 'INDEXING', fail: 'FAILED', index: 'INDEXING', indexed: 'FINISHED', reset } },
    /** Its outputs are being checked. */
    VALIDATING: { on: { update: 'VALIDATING', fail: 'FAILED', validated: 'VALIDATED', reject: 'REJECTED', retire: 'RETIRED', reset } },
    /** Its outputs are good; they may be checked again. */
    VALIDATED: { on: { validate: 'VALIDATING', validated: 'VALIDATED', finalize: 'FINALIZED', retire: 'RETIRED', reset } },
    /** Its outputs are not good. */
    REJECTED: { on: { retire: 'RETIRED', reset } },
    /** Its outputs are published. */
    FINALIZED: { on: { retire: 'RETIRED', reset } },
    /** Nobody should use its outputs any more. */
    RETIRED: { on: { reset } },
    /** It is being cleaned; `ready` opens it for another run. */
    RESET: { on: { reset, ready: { guard: 'isAdmin', target: 'CREATED' } } },
  },
});

/** The managed pipeline job: 11 states, 15 events, 43 legal pairs. Source: contract of the managed pipeline job. */
export const pipelineJob = defineMachine({
  name: 'pipelineJob',
  version: '1',
  description: 'A pipeline run from set-up through work and quality control to retirement.',
  pipeline: 'required',
  machine,
  input: z.looseObject({}),
  events,
});
