import { and, assign, setup } from 'xstate';
import { z } from 'zod';
import { defineMachine, type EventsOf } from '../src/machine/define.ts';
import { commonEvents } from './commonEvents.ts';
import { isOperator, isSystem } from './guards.ts';

/** How many targets a chunk has at most. */
export const chunkSize = 1_000;

const count = z.int().min(0);
const ids = z.array(z.string().max(300)).min(1).max(chunkSize);
const positions = z.array(count).max(chunkSize).optional();
const counts = z.strictObject({ updated: count, unchanged: count, refused: count });
const reason = z.string().max(2_000).optional();

const input = z.strictObject({
  /** The event that each target is sent, or `delete` with `hard`. */
  op: z.string().min(1).max(64),
  data: z.record(z.string(), z.unknown()).nullable(),
  scope: z.enum(['self', 'ancestors', 'descendants', 'component']),
  reason,
  /** Filters of the list, where it was not given ids. */
  q: z.record(z.string(), z.string()).optional(),
  /** Of what the filters match, what was there at this time (UTC ISO). */
  before: z.string().optional(),
  /** Who asked for it, as the create entry says. */
  by: z.strictObject({ kind: z.string(), id: z.string() }),
  /** The process that works on it. */
  runner: z.string().max(200),
  /** Tells the call that made it from those that repeat it. */
  call: z.string().max(200),
});

const events = {
  /** The next targets of the request, in its order, with the places of those that are no ids or were there before. */
  gather: z.strictObject({ ids, malformed: positions, duplicate: positions }),
  /** The next relatives. */
  relate: z.strictObject({ ids }),
  /** All targets are gathered; so many children were left out, as others have them too. */
  begin: z.strictObject({ sharedLeft: count }),
  /** Another process goes on with it. */
  take: z.strictObject({ runner: z.string().max(200) }),
  /** A chunk is done: outcomes of requested targets from an index on, or counts of relatives. */
  advance: z.strictObject({
    runner: z.string(),
    chunk: count,
    from: count.optional(),
    outcomes: z
      .strictObject({
        kinds: z.array(
          z.strictObject({
            outcome: z.enum(['updated', 'unchanged', 'refused']),
            code: z.string().optional(),
            state: z.string().optional(),
          }),
        ),
        /** Place of a kind, how many in a row have it, and so on. */
        runs: z.array(count),
      })
      .optional(),
    counts,
    byCode: z.record(z.string(), count).optional(),
  }),
  finish: z.strictObject({ runner: z.string() }),
  /** Nothing more is begun; what is under way is finished. */
  stop: z.looseObject({ reason }).optional(),
  fail: z.strictObject({ reason: z.string().max(2_000) }),
  comment: commonEvents.comment,
};

type BulkRunEvent = EventsOf<typeof events>;
type Counts = z.output<typeof counts>;

/** What a run remembers between events. */
export interface BulkRunContext {
  readonly runner: string;
  /** Chunks in all, those of relatives that come before the requested targets, and those that are done. */
  readonly chunks: number;
  readonly leading: number;
  readonly chunk: number;
  readonly progress: Counts & {
    /** Requested targets that are done, and all. */
    readonly done: number;
    readonly total: number;
    readonly byCode: Readonly<Record<string, number>>;
    readonly relatives: Counts & {
      readonly done: number;
      readonly total: number;
      readonly sharedLeft: number;
    };
  };
}

const dataOf = <Name extends BulkRunEvent['type']>(event: BulkRunEvent, _name: Name) =>
  event.data as Extract<BulkRunEvent, { type: Name }>['data'];

const none: Counts = { updated: 0, unchanged: 0, refused: 0 };
const sum = (one: Counts, other: Counts): Counts => ({
  updated: one.updated + other.updated,
  unchanged: one.unchanged + other.unchanged,
  refused: one.refused + other.refused,
});

function addCodes(
  known: Readonly<Record<string, number>>,
  more: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const all = { ...known };
  for (const [code, jobs] of Object.entries(more)) all[code] = (all[code] ?? 0) + jobs;
  return all;
}

/** Says the type of the input. */
const inputType = {} as z.output<typeof input>;

const machine = setup({
  types: { context: {} as BulkRunContext, events: {} as BulkRunEvent, input: inputType },
  guards: {
    isOperator,
    isSystem,
    /** Whoever was taken over from is fenced off. */
    isRunner: ({ context, event }) => dataOf(event, 'finish').runner === context.runner,
    isNext: ({ context, event }) => dataOf(event, 'advance').chunk === context.chunk,
    isDone: ({ context }) => context.chunk === context.chunks,
  },
  actions: {
    comment: assign({}),
    gather: assign(({ context: { chunks, progress }, event }) => ({
      chunks: chunks + 1,
      progress: { ...progress, total: progress.total + dataOf(event, 'gather').ids.length },
    })),
    relate: assign(({ context: { chunks, leading, progress }, event }) => {
      const { relatives } = progress;
      const total = relatives.total + dataOf(event, 'relate').ids.length;
      return {
        chunks: chunks + 1,
        leading: progress.total === 0 ? leading + 1 : leading,
        progress: { ...progress, relatives: { ...relatives, total } },
      };
    }),
    begin: assign(({ context: { progress }, event }) => {
      const { sharedLeft } = dataOf(event, 'begin');
      return { progress: { ...progress, relatives: { ...progress.relatives, sharedLeft } } };
    }),
    take: assign(({ event }) => ({ runner: dataOf(event, 'take').runner })),
    advance: assign(({ context: { chunk, progress }, event }) => {
      const { from, counts: more, byCode } = dataOf(event, 'advance');
      const { relatives } = progress;
      const done = more.updated + more.unchanged + more.refused;
      return {
        chunk: chunk + 1,
        progress:
          from === undefined
            ? {
                ...progress,
                relatives: { ...relatives, ...sum(relatives, more), done: relatives.done + done },
              }
            : {
                ...progress,
                ...sum(progress, more),
                done: progress.done + done,
                byCode: addCodes(progress.byCode, byCode),
              },
      };
    }),
  },
}).createMachine({
  id: 'bulkRun',
  initial: 'gathering',
  context: ({ input: given }) => ({
    runner: given.runner,
    chunks: 0,
    leading: 0,
    chunk: 0,
    progress: {
      ...{ done: 0, total: 0, ...none, byCode: {} },
      relatives: { done: 0, total: 0, ...none, sharedLeft: 0 },
    },
  }),
  on: { comment: { actions: 'comment' } },
  states: {
    /** What it is to act on is written down. Nothing was done to any target yet. */
    gathering: {
      on: {
        gather: { guard: 'isSystem', actions: 'gather' },
        relate: { guard: 'isSystem', actions: 'relate' },
        begin: { guard: 'isSystem', target: 'running', actions: 'begin' },
        stop: { guard: 'isOperator', target: 'stopped' },
        fail: { guard: 'isSystem', target: 'failed' },
      },
    },
    /** Chunk by chunk, by one process at a time. */
    running: {
      on: {
        ...workedOn(),
        finish: { guard: and(['isSystem', 'isRunner', 'isDone']), target: 'finished' },
        stop: { guard: 'isOperator', target: 'stopping' },
      },
    },
    /** It ends once the chunk under way is done. */
    stopping: {
      on: {
        ...workedOn(),
        finish: [
          { guard: and(['isSystem', 'isRunner', 'isDone']), target: 'finished' },
          { guard: and(['isSystem', 'isRunner']), target: 'stopped' },
        ],
      },
    },
    /** Every target has its outcome. */
    finished: {},
    /** Somebody ended it; targets of which there is no outcome are as they were. */
    stopped: {},
    /** It could not be begun; nothing was done. */
    failed: {},
  },
});

function workedOn() {
  return {
    take: { guard: 'isSystem', actions: 'take' },
    advance: { guard: and(['isSystem', 'isRunner', 'isNext']), actions: 'advance' },
  } as const;
}

/**
 * One operation on many jobs: what it acts on stands in its log before it begins, and after each chunk
 * what became of it. Whichever process takes it over goes on where the log ends.
 */
export const bulkRun = defineMachine({
  name: 'bulkRun',
  version: '1',
  description: 'One operation on many jobs, with progress and an outcome for each.',
  machine,
  input,
  events,
  incidental: ['runner', 'call', 'before'],
});
