import { setup } from 'xstate';
import { z } from 'zod';
import { jobIdentity } from '../../src/jobs/jobIdentity.ts';
import { canonicalJson } from '../../src/machine/canonicalJson.ts';
import { defineMachine, type EventsOf } from '../../src/machine/define.ts';

const note = z.looseObject({}).optional();
const events = { start: note, progress: note, end: note };

/** A second machine, so that lists and counts by machine mean something. */
export const scaleMachine = defineMachine({
  name: 'transfer',
  version: '1',
  input: z.looseObject({}),
  events,
  machine: setup({
    types: { events: {} as EventsOf<typeof events>, input: {} },
  }).createMachine({
    id: 'transfer',
    initial: 'QUEUED',
    states: {
      QUEUED: { on: { start: 'MOVING' } },
      MOVING: { on: { progress: 'MOVING', end: 'DONE' } },
      DONE: {},
    },
  }),
});

interface Kind {
  readonly state: string;
  readonly type: string;
  /** How many jobs of 20. */
  readonly share: number;
  /** After the set-up: each list is a chain, and one commit. */
  readonly chains: readonly (readonly string[])[];
}

const run = ['run', 'update'];
const finish = ['update', 'finish'];

/** The mixture of the jobs: five entries in 2.85 commits each, on average. */
export const kinds: readonly Kind[] = [
  { state: 'CREATED', type: 'pipelineJob', share: 2, chains: [['resource', 'resource']] },
  { state: 'RUNNING', type: 'pipelineJob', share: 3, chains: [run, ['update', 'update']] },
  { state: 'FAILED', type: 'pipelineJob', share: 2, chains: [run, ['update', 'fail']] },
  { state: 'FINISHED', type: 'pipelineJob', share: 10, chains: [run, finish] },
  {
    state: 'VALIDATED',
    type: 'pipelineJob',
    share: 1,
    chains: [run, finish, ['validate', 'validated']],
  },
  {
    state: 'RETIRED',
    type: 'pipelineJob',
    share: 1,
    chains: [run, finish, ['validate', 'retire']],
  },
  {
    state: 'DONE',
    type: 'transfer',
    share: 1,
    chains: [
      ['start', 'progress'],
      ['progress', 'end'],
    ],
  },
];

const slots: readonly Kind[] = kinds.flatMap((kind) => Array<Kind>(kind.share).fill(kind));

export const pipelines = [...Array.from({ length: 50 }, (_, place) => `line-${place}`), 'rare'];

export interface PlannedJob {
  readonly kind: Kind;
  readonly id: string;
  readonly input: {
    readonly pipeline: string;
    readonly data: Readonly<Record<string, unknown>>;
    readonly session: string;
    readonly agent: string;
    readonly tags: readonly string[];
  };
}

/** The job of a number: what it is made of follows from the number alone. */
export function planJob(index: number): PlannedJob {
  // Neighbours are of all kinds, as in life: 7 shares no factor with 20.
  const kind = slots[(index * 7) % slots.length] as Kind;
  const isRare = index % 10_000 === 7;
  const pipeline = isRare ? 'rare' : `line-${index % 50}`;
  const sample = `sample-${index}`;
  const data = { parameters: { sample, threads: 8, trim: true }, run: index };
  const json = canonicalJson(data);
  if (!json.ok) throw new Error('the data is no JSON');
  return {
    kind,
    id: jobIdentity({ machine: kind.type, pipeline, parents: [], data: json.text }),
    input: {
      pipeline,
      data,
      session: `session-${Math.floor(index / 100)}`,
      agent: `agent-${index % 20}`,
      tags: [`tag-${index % 100}`, ...(isRare ? ['rare'] : [])],
    },
  };
}

/** What an event of a job says. */
export const eventData = (index: number, place: number) => ({
  msg: 'half way',
  host: `compute-${index % 64}`,
  step: place,
});

/** How many entries so many jobs come to. */
export const entriesOf = (jobs: number): number =>
  Array.from({ length: slots.length }, (_, slot) => {
    const kind = slots[(slot * 7) % slots.length] as Kind;
    const own = 1 + kind.chains.reduce((sum, chain) => sum + chain.length, 0);
    return own * (Math.floor(jobs / slots.length) + (slot < jobs % slots.length ? 1 : 0));
  }).reduce((sum, each) => sum + each, 0);
