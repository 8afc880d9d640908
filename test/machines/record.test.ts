import { describe, expect, it } from 'vitest';
import type { RecordState } from '../../machines/recordEvents.ts';
import { allowedEvents } from '../../src/machine/allowedEvents.ts';
import {
  admin,
  after,
  at,
  begin,
  contextOf,
  dataFor,
  inState,
  job,
  operator,
  reader,
  registered,
  send,
  stateOf,
  states,
  system,
  worker,
} from './recordSteps.ts';

type Targets = Readonly<Record<string, string>>;

/** What an operator may do in each state, and where it leads; everything else is refused. */
const table: Readonly<Record<RecordState, Targets>> = {
  waiting: {
    claim: 'running',
    cancel: 'cancelled',
    delete: 'deleted',
    modify: 'waiting',
    ready: 'waiting',
    comment: 'waiting',
  },
  running: {
    update: 'running',
    finish: 'complete',
    fail: 'error',
    release: 'waiting',
    cancel: 'cancelled',
    delete: 'deleted',
    modify: 'running',
    comment: 'running',
  },
  error: {
    reset: 'waiting',
    cancel: 'cancelled',
    delete: 'deleted',
    modify: 'error',
    comment: 'error',
  },
  complete: { invalidate: 'invalid', delete: 'deleted', comment: 'complete' },
  cancelled: { uncancel: 'waiting', delete: 'deleted', comment: 'cancelled' },
  invalid: { uninvalidate: 'complete', delete: 'deleted', comment: 'invalid' },
  deleted: { undelete: 'complete', comment: 'deleted' },
};

/** What whoever knows the newest claim may do, too. */
const work = ['update', 'finish', 'fail', 'release'];
/** What states have for the engine alone, of records that follow their children. */
const engineOnly: Readonly<Record<string, readonly string[]>> = {
  waiting: ['start', 'settle'],
  running: ['settle'],
};

const only = (targets: Targets, names: readonly string[]): Targets =>
  Object.fromEntries(Object.entries(targets).filter(([name]) => names.includes(name)));

const senders = [
  { sender: operator, may: (state: RecordState) => table[state] },
  { sender: admin, may: (state: RecordState) => table[state] },
  { sender: system, may: (state: RecordState) => table[state] },
  {
    sender: worker,
    may: (state: RecordState) => only(table[state], ['claim', ...work, 'comment']),
  },
  { sender: job, may: (state: RecordState) => only(table[state], [...work, 'comment']) },
  // Whether a reader may send anything at all is not the machine's to say.
  { sender: reader, may: (state: RecordState) => only(table[state], [...work, 'comment']) },
];
const eventNames = [...registered.eventNames.values()];

describe('the record machine', () => {
  it('has 7 states and 17 events, and starts in waiting', () => {
    expect(states).toHaveLength(7);
    expect(eventNames).toHaveLength(17);
    expect(stateOf(begin())).toBe('waiting');
  });

  const cases = senders.flatMap(({ sender, may }) =>
    states.flatMap((state) =>
      eventNames.map((event) => ({ sender, state, event, to: may(state)[event] })),
    ),
  );

  it.each(cases)(
    '$event of $sender.kind in $state leads to $to',
    ({ sender, state, event, to }) => {
      const decision = send(inState(state), event, dataFor[event], sender);
      if (to !== undefined) {
        expect(decision).toMatchObject({ accepted: true, from: state, to });
        return;
      }
      const isThere = event in table[state] || (engineOnly[state] ?? []).includes(event);
      expect(decision).toMatchObject({
        accepted: false,
        reason: isThere ? 'guard' : 'absent',
        from: state,
      });
    },
  );

  it.each(states)('in %s the allowed events are those of the table, for operators', (state) => {
    const allowed = allowedEvents(registered, inState(state), at);
    const names = allowed.filter(({ who }) => who.includes('operator')).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(table[state])));
    expect(Object.keys(table[state])).toEqual(expect.arrayContaining(names));
  });
});

describe('a record that follows its children', () => {
  const input = { awaits: 'children' };

  it('is nobody’s to claim', () => {
    for (const sender of [operator, admin, system, worker]) {
      expect(send(begin(input), 'claim', dataFor['claim'], sender)).toMatchObject({
        accepted: false,
        reason: 'guard',
      });
    }
  });

  it.each([
    { children: { complete: 3 }, to: 'complete' },
    { children: {}, to: 'complete' },
    { children: { complete: 2, error: 1 }, to: 'error' },
    { children: { complete: 2, error: 0 }, to: 'complete' },
    { children: { complete: 2, cancelled: 1 }, to: 'error' },
    { children: { deleted: 1 }, to: 'error' },
  ])('is settled by $children as $to, waiting or running, by the engine alone', (given) => {
    for (const way of [[], ['start']]) {
      const begun = way.reduce((current, name) => {
        const decision = send(current, name, null, system);
        return decision.accepted ? decision.next : current;
      }, begin(input));
      const data = { children: given.children };
      expect(send(begun, 'settle', data, system)).toMatchObject({ accepted: true, to: given.to });
      expect(send(begun, 'settle', data, admin)).toMatchObject({ accepted: false });
    }
  });

  it('says in its error how many children ended how, and asks about them again after a reset', () => {
    const children = { complete: 2, error: 1, cancelled: 0 };
    const settled = send(begin(input), 'settle', { children }, system);
    if (!settled.accepted) throw new Error('was refused');
    expect(contextOf(settled.next).error).toEqual({
      type: 'children_failed',
      message: 'not all children are complete: 2 complete, 1 error',
    });
    const again = send(settled.next, 'reset');
    expect(again).toMatchObject({ accepted: true, to: 'waiting' });
    expect(again).toHaveProperty('effects', [{ type: 'checkChildren', params: null }]);
  });
});

describe('a claim', () => {
  it('is for the worker itself; whoever manages records may claim for any', () => {
    const data = { worker: 'wanda' };
    expect(send(begin(), 'claim', data, worker)).toMatchObject({ accepted: false });
    expect(send(begin(), 'claim', data, operator)).toMatchObject({ accepted: true });
  });

  it.each(['update', 'finish', 'fail', 'release'])(
    '%s counts under the newest claim of the worker that has it, and no other',
    (name) => {
      const second = after(inState('running'), 'release', 'claim');
      const data = (epoch?: number) => ({
        ...dataFor[name],
        ...(epoch ? { epoch } : { epoch: null }),
      });
      const without = Object.fromEntries(Object.entries(data()).filter(([key]) => key !== 'epoch'));
      const rival = { kind: 'worker', id: 'wanda' } as const;
      const told = (given: object, actor = worker) => send(second, name, given, actor).accepted;
      expect(told(data(2))).toBe(true);
      expect(told(data(1))).toBe(false);
      expect(told(data(3))).toBe(false);
      expect(told(without)).toBe(false);
      expect(told(data(2), rival)).toBe(false);
      expect(told(data(2), job)).toBe(true);
      expect(told(data(1), job)).toBe(false);
      expect(told(without, job)).toBe(false);
      expect(told(without, operator)).toBe(true);
      expect(told(data(1), operator)).toBe(false);
    },
  );

  it('clears what was told of the attempt before', () => {
    const failed = inState('error');
    expect(contextOf(failed)).toMatchObject({ attempts: 1, producer: 'willow', epoch: 1 });
    const again = after(failed, 'reset', 'claim');
    const { error, producer, progress, lease, epoch } = contextOf(again);
    expect({ error, producer, progress, lease, epoch }).toEqual({
      error: null,
      producer: null,
      progress: null,
      lease: { worker: 'willow', since: at },
      epoch: 2,
    });
  });

  it('names its producer for as long as its outcome counts', () => {
    expect(contextOf(inState('complete')).producer).toBe('willow');
    expect(contextOf(inState('invalid')).producer).toBe('willow');
    expect(contextOf(after(inState('error'), 'cancel')).producer).toBe('willow');
    expect(contextOf(after(inState('error'), 'reset')).producer).toBeNull();
    expect(contextOf(after(inState('running'), 'cancel')).producer).toBeNull();
    expect(contextOf(after(inState('running'), 'release')).producer).toBeNull();
  });
});

describe('what a record tells of itself', () => {
  const details = (snapshot = begin()) =>
    registered.definition.details?.({ state: stateOf(snapshot), context: contextOf(snapshot) });

  it('names its place, its worker, its progress and where undoing leads', () => {
    const running = after(begin({ tag: 'gpu', programs: ['psi4'] }), 'claim', 'update');
    expect(details(running)).toEqual({
      tag: 'gpu',
      priority: 500,
      programs: ['psi4'],
      awaits: 'workers',
      parents: [],
      attempts: 0,
      error: null,
      progress: { done: 0.5 },
      worker: 'willow',
      since: at,
      readyAt: null,
      undo: [],
    });
    expect(details(after(running, 'cancel', 'delete'))).toMatchObject({
      worker: null,
      progress: null,
      undo: ['waiting', 'cancelled'],
    });
  });

  it.each(states)(
    'has a place in the queue only while it waits, a lease only while it runs: %s',
    (state) => {
      const snapshot = inState(state);
      const work = registered.definition.work?.({ state, context: contextOf(snapshot) });
      const queue = { tag: 'default', priority: 500, needs: [], readyAt: null };
      const lease = { worker: 'willow', since: at, epoch: 1 };
      expect(work).toEqual(state === 'waiting' ? { queue } : state === 'running' ? { lease } : {});
    },
  );
});
