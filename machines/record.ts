import { and, assign, enqueueActions, setup } from 'xstate';
import { defineMachine } from '../src/machine/define.ts';
import { modified } from './commonEvents.ts';
import { emptiesArchive, isAdmin, isOperator, isSystem } from './guards.ts';
import {
  dataOf,
  events,
  input,
  type Kept,
  type RecordContext,
  type RecordEvent,
  type RecordInput,
  type RecordState,
} from './recordEvents.ts';
import { delayOf, limitKeyOf, mayRetry } from './retryPolicy.ts';

interface Given {
  readonly context: RecordContext;
  readonly event: RecordEvent;
}
/** A worker claims for itself; whoever may do anything to a record may claim it for any worker. */
const mayClaim = ({ context, event }: Given): boolean =>
  context.awaits === 'workers' &&
  !context.cleaning &&
  (context.readyAt ?? '') <= event.at &&
  (event.actor.kind === 'worker' ? dataOf(event).worker === event.actor.id : isOperator({ event }));

/** A report counts under the newest claim only; workers and jobs must name it, others may. */
function holdsLease({ context: { lease, epoch: newest }, event }: Given): boolean {
  if (!lease) return false;
  const { epoch: named } = dataOf(event);
  const { kind, id } = event.actor;
  if (kind === 'worker' && id !== lease.worker) return false;
  if (named === undefined) return isOperator({ event });
  return named === newest;
}

/** Nobody asked for it: a worker that dies of a record would take every other one with it. */
const workerLost = 'worker_lost';
const classOf = (event: RecordEvent): string =>
  event.type === 'release' ? workerLost : (dataOf(event).error?.type ?? 'unknown_error');

/** Says the type of the input; every part of it may be missing. */
const inputType: RecordInput = {};

const machine = setup({
  types: { context: {} as RecordContext, events: {} as RecordEvent, input: inputType },
  guards: {
    isAdmin,
    isOperator,
    isSystem,
    emptiesArchive,
    mayClaim,
    holdsLease,
    mayRetry: ({ context, event }) => mayRetry(context.retries, context.retried, classOf(event)),
    isLoss: ({ event }) => dataOf(event).lost === true,
    awaitsChildren: ({ context }) => context.awaits === 'children',
    childrenFailed: ({ event }) =>
      Object.entries(dataOf(event).children ?? {}).some(
        ([state, n]) => state !== 'complete' && n > 0,
      ),
    wasWaiting: ({ context }) => stateBefore(context) === 'waiting',
    wasError: ({ context }) => stateBefore(context) === 'error',
    wasComplete: ({ context }) => stateBefore(context) === 'complete',
    wasCancelled: ({ context }) => stateBefore(context) === 'cancelled',
    wasInvalid: ({ context }) => stateBefore(context) === 'invalid',
  },
  actions: {
    tellParents: (): void => undefined,
    checkChildren: (): void => undefined,
    clearArchive: (): void => undefined,
    /** Of use only where there is one, and the machine knows. */
    endForParents: enqueueActions(({ context, enqueue }) => {
      const { parents } = context;
      if (parents.length > 0) enqueue({ type: 'tellParents', params: { parents } });
    }),
    /** What has to be seen to before it can be worked on; asked for again whenever it comes back. */
    prepare: enqueueActions(({ context, enqueue }) => {
      if (context.awaits === 'children') enqueue('checkChildren');
      if (context.cleaning) enqueue('clearArchive');
    }),
    comment: assign({}),
    modify: assign(({ context, event }) => modified(context, event)),
    beginAttempt: assign(({ context, event }) => ({
      epoch: context.epoch + 1,
      lease: { worker: dataOf(event).worker ?? '', since: event.at },
      producer: null,
      readyAt: null,
      error: null,
      progress: null,
    })),
    reportProgress: assign(({ context, event }) => ({
      progress: dataOf(event).progress ?? context.progress,
    })),
    endAttempt: assign(({ context }) => ({
      attempts: context.attempts + 1,
      producer: context.lease?.worker ?? null,
      lease: null,
      progress: null,
    })),
    giveBack: assign({ lease: null, producer: null, progress: null }),
    keepError: assign(({ event }) => ({
      error: {
        type: classOf(event),
        message: dataOf(event).error?.message ?? 'its worker was lost too often',
      },
    })),
    retryLater: assign(({ context, event }) => {
      const errorClass = classOf(event);
      const before = context.retried[limitKeyOf(context.retries, errorClass)] ?? 0;
      const at = new Date(event.at).getTime() + delayOf(context.retries, before);
      return {
        retried: oneMore(context, errorClass),
        readyAt: new Date(at).toISOString(),
        producer: null,
      };
    }),
    /** Without a delay: it was the worker that failed. */
    countLoss: assign(({ context }) => ({ retried: oneMore(context, workerLost) })),
    settleError: assign(({ event }) => ({ error: childrenError(dataOf(event).children ?? {}) })),
    startOver: assign({ error: null, producer: null, retried: {}, readyAt: null }),
    beginCleaning: assign({ cleaning: true }),
    endCleaning: assign({ cleaning: false }),
    suspendWaiting: assign(({ context }) => suspended('waiting', context)),
    /** What runs is taken from its worker and kept as waiting. */
    suspendRunning: assign(({ context }) => ({
      ...suspended('waiting', context),
      lease: null,
      producer: null,
      progress: null,
    })),
    suspendError: assign(({ context }) => suspended('error', context)),
    suspendComplete: assign(({ context }) => suspended('complete', context)),
    suspendCancelled: assign(({ context }) => suspended('cancelled', context)),
    suspendInvalid: assign(({ context }) => suspended('invalid', context)),
    restore: assign(({ context }) => {
      const { tag, priority: kept } = context.undo.at(-1) ?? context;
      return { tag, priority: kept, undo: context.undo.slice(0, -1) };
    }),
  },
}).createMachine({
  id: 'record',
  initial: 'waiting',
  context: ({ input: given }) => ({
    tag: given.tag ?? 'default',
    priority: given.priority ?? 500,
    programs: given.programs ?? [],
    awaits: given.awaits ?? 'workers',
    parents: given.parents ?? [],
    retries: given.retries ?? null,
    epoch: 0,
    lease: null,
    producer: null,
    attempts: 0,
    retried: {},
    readyAt: null,
    cleaning: false,
    error: null,
    progress: null,
    undo: [],
  }),
  on: { comment: { actions: 'comment' } },
  states: {
    /** In the queue of workers; or, where it follows its children, until one of them is begun. */
    waiting: {
      entry: 'prepare',
      on: {
        claim: { guard: 'mayClaim', target: 'running', actions: 'beginAttempt' },
        start: { guard: and(['isSystem', 'awaitsChildren']), target: 'running' },
        settle: settled(),
        cancel: { guard: 'isOperator', target: 'cancelled', actions: 'suspendWaiting' },
        delete: { guard: 'isOperator', target: 'deleted', actions: 'suspendWaiting' },
        modify: { guard: 'isOperator', actions: 'modify' },
        ready: { guard: 'isOperator', actions: 'endCleaning' },
      },
    },
    /** A worker has it; or its children are being worked on. */
    running: {
      on: {
        update: { guard: 'holdsLease', actions: 'reportProgress' },
        finish: { guard: 'holdsLease', target: 'complete', actions: 'endAttempt' },
        fail: [
          {
            guard: and(['holdsLease', 'mayRetry']),
            target: 'waiting',
            actions: ['endAttempt', 'retryLater'],
          },
          { guard: 'holdsLease', target: 'error', actions: ['endAttempt', 'keepError'] },
        ],
        release: [
          {
            guard: and(['holdsLease', 'isLoss', 'mayRetry']),
            target: 'waiting',
            actions: ['giveBack', 'countLoss'],
          },
          {
            guard: and(['holdsLease', 'isLoss']),
            target: 'error',
            actions: ['endAttempt', 'keepError'],
          },
          { guard: 'holdsLease', target: 'waiting', actions: 'giveBack' },
        ],
        settle: settled(),
        cancel: { guard: 'isOperator', target: 'cancelled', actions: 'suspendRunning' },
        delete: { guard: 'isOperator', target: 'deleted', actions: 'suspendRunning' },
        modify: { guard: 'isOperator', actions: 'modify' },
      },
    },
    /** Its last attempt, or one of its children, went wrong; `reset` queues it again. */
    error: {
      entry: 'endForParents',
      on: {
        reset: [
          {
            guard: and(['isOperator', 'emptiesArchive']),
            target: 'waiting',
            actions: ['startOver', 'beginCleaning'],
          },
          { guard: 'isOperator', target: 'waiting', actions: 'startOver' },
        ],
        cancel: { guard: 'isOperator', target: 'cancelled', actions: 'suspendError' },
        delete: { guard: 'isOperator', target: 'deleted', actions: 'suspendError' },
        modify: { guard: 'isOperator', actions: 'modify' },
      },
    },
    /** Its result is there. */
    complete: {
      entry: 'endForParents',
      on: {
        invalidate: { guard: 'isOperator', target: 'invalid', actions: 'suspendComplete' },
        delete: { guard: 'isOperator', target: 'deleted', actions: 'suspendComplete' },
      },
    },
    /** Taken out of the queue until `uncancel`. */
    cancelled: {
      entry: 'endForParents',
      on: {
        uncancel: [
          { guard: and(['isOperator', 'wasWaiting']), target: 'waiting', actions: 'restore' },
          { guard: and(['isOperator', 'wasError']), target: 'error', actions: 'restore' },
        ],
        delete: { guard: 'isOperator', target: 'deleted', actions: 'suspendCancelled' },
      },
    },
    /** Its result is there but not to be used. */
    invalid: {
      entry: 'endForParents',
      on: {
        uninvalidate: [
          { guard: and(['isOperator', 'wasComplete']), target: 'complete', actions: 'restore' },
        ],
        delete: { guard: 'isOperator', target: 'deleted', actions: 'suspendInvalid' },
      },
    },
    /** Put away; everything of it is still there. */
    deleted: {
      entry: 'endForParents',
      on: {
        undelete: [
          { guard: and(['isOperator', 'wasWaiting']), target: 'waiting', actions: 'restore' },
          { guard: and(['isOperator', 'wasError']), target: 'error', actions: 'restore' },
          { guard: and(['isOperator', 'wasComplete']), target: 'complete', actions: 'restore' },
          { guard: and(['isOperator', 'wasCancelled']), target: 'cancelled', actions: 'restore' },
          { guard: and(['isOperator', 'wasInvalid']), target: 'invalid', actions: 'restore' },
        ],
      },
    },
  },
});

function settled() {
  return [
    {
      guard: and(['isSystem', 'awaitsChildren', 'childrenFailed']),
      target: 'error',
      actions: 'settleError',
    },
    { guard: and(['isSystem', 'awaitsChildren']), target: 'complete' },
  ] as const;
}

function oneMore({ retries, retried }: RecordContext, errorClass: string): Record<string, number> {
  const key = limitKeyOf(retries, errorClass);
  return { ...retried, [key]: (retried[key] ?? 0) + 1 };
}

/** Where undoing leads. */
const stateBefore = ({ undo }: RecordContext): RecordState | undefined => undo.at(-1)?.state;

const suspended = (
  state: RecordState,
  { undo, tag, priority }: RecordContext,
): { undo: readonly Kept[] } => ({ undo: [...undo, { state, tag, priority }] });

function childrenError(children: Readonly<Record<string, number>>) {
  const parts = Object.entries(children)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`);
  return { type: 'children_failed', message: `not all children are complete: ${parts.join(', ')}` };
}

/**
 * A computation that workers claim and report on, or that follows its children. 7 states; cancel, delete
 * and invalidate can be undone, one level at a time. Source: QCFractal's record management, its table of
 * transitions.
 */
export const record = defineMachine({
  name: 'record',
  version: '1',
  description: 'A computation that workers claim, with undo, retries, parents and children.',
  machine,
  input,
  events,
  incidental: ['tag', 'priority', 'retries'],
  knowsParents: true,
  ends: { well: ['complete'], badly: ['error', 'cancelled', 'invalid', 'deleted'] },
  work({ state, context }) {
    const {
      tag,
      priority: wanted,
      programs,
      readyAt,
      lease,
      epoch: newest,
    } = context as RecordContext;
    if (state === 'running' && lease) return { lease: { ...lease, epoch: newest } };
    const { awaits, cleaning } = context as RecordContext;
    if (state !== 'waiting' || awaits !== 'workers' || cleaning) return {};
    return { queue: { tag, priority: wanted, needs: programs, readyAt } };
  },
  details({ context }) {
    const { undo, lease, producer, ...rest } = context as RecordContext;
    const { tag, priority, programs, awaits, parents, attempts, error, progress, readyAt } = rest;
    return {
      tag,
      priority,
      programs,
      awaits,
      parents,
      attempts,
      error,
      progress,
      worker: lease?.worker ?? producer,
      since: lease?.since ?? null,
      readyAt,
      undo: undo.map(({ state }) => state),
    };
  },
});
