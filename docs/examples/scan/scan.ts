import { commonEvents, defineMachine, modified, type EventsOf, type QueueWish } from 'jobwright';
import { assign, enqueueActions, setup } from 'xstate';
import { z } from 'zod';

const input = z.object({ slide: z.string().min(1), tag: z.string().default('default') });
/** The engine adds the parents: `knowsParents` below. */
type Input = z.output<typeof input> & { readonly parents?: readonly string[] };

const epoch = z.int().min(1);

/** What workers send, and `comment` and `modify`, which any machine may take in. */
const events = {
  claim: z.looseObject({ worker: z.string().min(1) }),
  update: z.looseObject({ epoch, progress: z.looseObject({}) }),
  finish: z.looseObject({ epoch }),
  fail: z.looseObject({ epoch, error: z.looseObject({ type: z.string(), message: z.string() }) }),
  release: z.looseObject({ epoch }),
  ...commonEvents,
};

interface Context extends QueueWish {
  readonly slide: string;
  readonly parents: readonly string[];
  /** How often it was claimed: fences off what earlier claims report. */
  readonly epoch: number;
  readonly lease: { readonly worker: string; readonly since: string } | null;
}
type ScanEvent = EventsOf<typeof events>;

const machine = setup({
  types: { context: {} as Context, events: {} as ScanEvent, input: {} as Input },
  guards: {
    holdsLease: ({ context: { lease, epoch: newest }, event }) =>
      lease !== null &&
      (event.data as { epoch?: number }).epoch === newest &&
      (event.actor.kind !== 'worker' || event.actor.id === lease.worker),
  },
  actions: {
    /** One of the engine's own effects: a parent that follows its children is told. */
    tellParents: (): void => undefined,
    endForParents: enqueueActions(({ context: { parents }, enqueue }) => {
      if (parents.length > 0) enqueue({ type: 'tellParents', params: { parents } });
    }),
    beginAttempt: assign(({ context, event }) => ({
      epoch: context.epoch + 1,
      lease: { worker: (event.data as { worker: string }).worker, since: event.at },
    })),
    modify: assign(({ context, event }) => modified(context, event)),
  },
}).createMachine({
  id: 'scan',
  initial: 'queued',
  context: ({ input: { slide, tag, parents = [] } }) => ({
    slide,
    tag,
    priority: 500,
    parents,
    epoch: 0,
    lease: null,
  }),
  // Without a target it moves nothing, but it needs an action: an event without one is forbidden.
  on: { comment: { actions: assign({}) } },
  states: {
    queued: {
      on: { claim: { target: 'scanning', actions: 'beginAttempt' }, modify: { actions: 'modify' } },
    },
    scanning: {
      exit: assign({ lease: null }),
      on: {
        update: { guard: 'holdsLease', actions: assign({}) },
        finish: { guard: 'holdsLease', target: 'scanned' },
        fail: { guard: 'holdsLease', target: 'broken' },
        release: { guard: 'holdsLease', target: 'queued' },
      },
    },
    scanned: { entry: 'endForParents' },
    broken: { entry: 'endForParents' },
  },
});

/** The scan of a slide, done by workers that have a scanner. */
export const scan = defineMachine({
  name: 'scan',
  version: '1',
  machine,
  input,
  events,
  // The same slide under another tag is the same job.
  incidental: ['tag'],
  // The parents are put into the input, so that the machine can name them in an effect.
  knowsParents: true,
  // In which states a parent that follows its children takes it for ended.
  ends: { well: ['scanned'], badly: ['broken'] },
  // Where it stands between workers: in the queue, with one of them, or neither.
  work({ state, context }) {
    const { tag, priority, epoch: newest, lease } = context as Context;
    if (lease) return { lease: { ...lease, epoch: newest } };
    return state === 'queued'
      ? { queue: { tag, priority, needs: ['scanner'], readyAt: null } }
      : {};
  },
  // What people are shown of the context.
  details({ context }) {
    const { tag, priority, lease } = context as Context;
    return { tag, priority, worker: lease?.worker ?? null };
  },
});
