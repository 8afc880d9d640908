import { describe, expect, it } from 'vitest';
import {
  and,
  assign,
  cancel,
  enqueueActions,
  fromPromise,
  log,
  not,
  or,
  raise,
  setup,
  type AnyStateMachine,
} from 'xstate';
import { allowedEvents } from '../../src/machine/allowedEvents.ts';
import { machineEvent, type MachineEvent } from '../../src/machine/event.ts';
import { persistSnapshot, stateOf, statesOf } from '../../src/machine/snapshot.ts';
import { start, step, type Timer } from '../../src/machine/step.ts';
import {
  admin,
  at,
  begin,
  held,
  operator,
  register,
  send,
  system,
  throughJson,
} from './testMachine.ts';

interface Context {
  readonly count: number;
  readonly seen: unknown;
}

const dataOf = (event: MachineEvent) => (event.data ?? {}) as Record<string, unknown>;

const shell = setup({
  types: { context: {} as Context, events: {} as MachineEvent },
  guards: {
    isAdmin: ({ event }) => event.actor.kind === 'admin',
    isBig: ({ event }) => Number(dataOf(event)['n']) > 10,
    isCounted: ({ context }) => context.count > 0,
    isOver: ({ event }, { least }: { least: number }) => Number(dataOf(event)['n']) > least,
    breaks: () => {
      throw new Error('the guard broke');
    },
  },
  delays: { soon: 250, byData: ({ event }) => dataOf(event)['delay'] as number },
  actions: {
    count: assign({ count: ({ context }) => context.count + 1 }),
    keep: assign({ seen: ({ event }) => dataOf(event)['seen'] }),
    breaks: assign(() => {
      throw new Error('the assignment broke');
    }),
    note: () => undefined,
    mail: (_, _params: { readonly to: string; readonly count: number }) => undefined,
  },
});

/** The library checks a literal configuration; these tests also give what it would not take. */
const machineOf = (config: object): AnyStateMachine =>
  shell.createMachine({
    id: 'm',
    context: { count: 0, seen: null },
    ...config,
  } as never) as unknown as AnyStateMachine;

const registered = (config: object, events = 'go stop') =>
  register(machineOf(config), events, ['note', 'mail']);

const later = (milliseconds: number): string =>
  new Date(Date.parse(at) + milliseconds).toISOString();

const timer = (id: string, milliseconds: number, event = id): Timer => ({
  id,
  event,
  dueAt: new Date(Date.parse(at) + milliseconds),
});

describe('an event', () => {
  const door = registered(
    {
      initial: 'open',
      states: {
        open: {
          on: {
            close: 'shut',
            knock: { actions: 'note' },
            look: { guard: 'isBig', target: 'shut' },
            lock: { guard: and(['isBig', not('isCounted')]), target: 'shut' },
            force: [
              { guard: { type: 'isOver', params: { least: 5 } }, target: 'shut' },
              { guard: or(['isCounted', 'isBig']), target: 'gone' },
            ],
          },
        },
        shut: { on: { open: 'open', knock: {}, wipe: { guard: 'isAdmin', target: 'gone' } } },
        gone: { type: 'final' },
      },
      on: { shout: { actions: 'note' }, knock: { guard: 'isBig', target: '.gone' } },
    },
    'open close knock look lock force wipe shout',
  );
  const job = begin(door);

  it('leads where the machine says', () => {
    const decision = send(door, job, 'close');
    expect(decision).toMatchObject({
      accepted: true,
      from: 'open',
      to: 'shut',
      effects: [],
      timers: [],
    });
    expect(persistSnapshot(held(decision).snapshot)).toEqual({
      value: 'shut',
      context: { count: 0, seen: null },
      status: 'active',
    });
  });

  it('is accepted where it only has an effect and the state stays', () => {
    expect(send(door, job, 'knock')).toMatchObject({
      accepted: true,
      from: 'open',
      to: 'open',
      effects: [{ type: 'note', params: null }],
    });
  });

  it('is refused where the state does not have it, with what it has', () => {
    expect(send(door, job, 'open')).toEqual({
      accepted: false,
      reason: 'absent',
      from: 'open',
      allowed: ['close', 'knock', 'shout'],
    });
  });

  it('is refused where the state forbids it, though the states around it have it', () => {
    const shut = held(send(door, job, 'close'));
    expect(send(door, shut, 'knock', { data: { n: 11 } })).toEqual({
      accepted: false,
      reason: 'absent',
      from: 'shut',
      allowed: ['open', 'wipe', 'shout'],
    });
  });

  it.each([
    ['look', 'isBig'],
    ['lock', 'isBig and not isCounted'],
    ['force', 'isOver'],
  ])('%s is refused by a guard, which is named: %s', (event, detail) => {
    expect(send(door, job, event)).toMatchObject({ accepted: false, reason: 'guard', detail });
  });

  it('takes the first of its transitions whose guard passes', () => {
    expect(send(door, job, 'force', { data: { n: 6 } })).toMatchObject({ to: 'shut' });
    expect(send(door, job, 'force', { data: { n: 11 } })).toMatchObject({ to: 'shut' });
    expect(send(door, job, 'look', { data: { n: 11 } })).toMatchObject({ to: 'shut' });
  });

  it('that only an admin may send is refused as such, in any state', () => {
    const refusal = { accepted: false, reason: 'admin', from: 'open' };
    expect(send(door, job, 'wipe')).toMatchObject(refusal);
    expect(send(door, job, 'wipe', { actor: admin })).toMatchObject({ reason: 'absent' });
    const shut = held(send(door, job, 'close'));
    expect(send(door, shut, 'wipe', { actor: admin })).toMatchObject({ to: 'gone' });
  });

  it('is refused when the machine is done, even one that its root has', () => {
    const shut = held(send(door, job, 'close'));
    const gone = held(send(door, shut, 'wipe', { actor: admin }));
    expect(gone.snapshot.status).toBe('done');
    for (const event of ['shout', 'open', 'knock']) {
      expect(send(door, gone, event, { data: { n: 11 } })).toEqual({
        accepted: false,
        reason: 'finished',
        from: 'gone',
        allowed: [],
      });
    }
  });

  it('changes nothing of the snapshot it was decided from', () => {
    const counting = registered({
      initial: 'a',
      states: { a: { on: { go: { actions: 'count' } } } },
    });
    const { snapshot } = begin(counting);
    const before = JSON.stringify(persistSnapshot(snapshot));
    const event = machineEvent('go', null, operator, at);
    expect(step(counting, snapshot, event)).toEqual(step(counting, snapshot, event));
    expect(JSON.stringify(persistSnapshot(snapshot))).toBe(before);
  });
});

describe('what may be sent', () => {
  it('is told for each kind of actor, in the order of the events', () => {
    const machine = registered(
      {
        initial: 'a',
        states: {
          a: {
            on: {
              stop: { guard: 'isAdmin', target: 'b' },
              go: 'b',
              look: { guard: 'isBig', target: 'b' },
              force: { guard: 'breaks', target: 'b' },
              skip: {},
            },
          },
          b: {},
        },
      },
      'go stop look force skip other',
    );
    const everyone = ['job', 'worker', 'operator', 'admin', 'system'];
    expect(allowedEvents(machine, begin(machine).snapshot, at)).toEqual([
      { name: 'go', who: everyone },
      { name: 'stop', who: ['admin'] },
      // Its guard cannot tell without data.
      { name: 'force', who: everyone },
    ]);
  });
});

describe('a fault of the machine', () => {
  const faulty = registered(
    {
      initial: 'a',
      states: {
        a: {
          on: {
            guard: { guard: 'breaks', target: 'b' },
            assign: { target: 'b', actions: 'breaks' },
            keep: { target: 'b', actions: 'keep' },
            effect: {
              target: 'b',
              actions: {
                type: 'mail',
                params: ({ event }: { event: MachineEvent }) => ({ to: dataOf(event)['to'] }),
              },
            },
            delay: { actions: raise({ type: 'go' }, { delay: 'byData' as never }) },
            living: {
              actions: enqueueActions(({ enqueue }) =>
                enqueue.spawnChild(fromPromise(async () => 1) as never),
              ),
            },
            letter: {
              actions: enqueueActions(({ enqueue }) => enqueue.sendTo('x', { type: 'go' })),
            },
            shout: { actions: enqueueActions(({ enqueue }) => enqueue.emit({ type: 'go' })) },
            undefined: { actions: assign({ seen: () => ({ deep: [1, undefined] }) }) },
            date: { actions: assign({ seen: () => new Date(0) }) },
            event: { actions: assign({ seen: ({ event }: { event: unknown }) => event }) },
            nan: { actions: assign({ count: NaN }) },
            round: 'round',
          },
        },
        b: {},
        round: { always: 'trip' },
        trip: { always: 'round' },
      },
    },
    'guard assign keep effect delay living letter shout undefined date event nan round go',
  );
  const job = begin(faulty);

  it.each([
    ['guard', /the guard broke/],
    ['assign', /^the assignment broke$/],
    ['keep', /^context\.seen: undefined is not JSON$/],
    ['effect', /^mail\.to: undefined is not JSON$/],
    ['undefined', /^context\.seen\.deep\[1\]: undefined is not JSON$/],
    ['date', /^context\.seen: an instance of Date, not a plain object$/],
    ['event', /^context\.seen: an instance of LazyEvent, not a plain object$/],
    ['nan', /^context\.count: NaN is no JSON number$/],
    ['delay', /^the delay of go is no number of milliseconds$/],
    ['living', /^xstate\.spawnChild needs a living actor; use an effect$/],
    ['letter', /^Unable to send event to actor 'x'/],
    ['shout', /^xstate\.emit needs a living actor; use an effect$/],
    ['round', /^Infinite loop detected/],
  ])('is a refusal, never a throw: %s', (event, detail) => {
    const decision = send(faulty, job, event, { data: { delay: 'soon' } });
    expect(decision).toMatchObject({ accepted: false, reason: 'fault', from: 'a' });
    expect(decision).toHaveProperty('detail', expect.stringMatching(detail));
    expect(decision).not.toHaveProperty('next');
  });

  it('takes any finite delay, also one that is over', () => {
    const decision = send(faulty, job, 'delay', { data: { delay: -1000 } });
    expect(decision).toMatchObject({ accepted: true, timers: [timer('go', -1000)] });
    const tooFar = send(faulty, job, 'delay', { data: { delay: 9e15 } });
    expect(tooFar).toMatchObject({ accepted: false, reason: 'fault' });
  });

  it.each([
    [
      'an entry that breaks',
      { initial: 'a', states: { a: { entry: 'breaks' } } },
      'the assignment broke',
    ],
    [
      'a context of the input that JSON would change',
      { context: ({ input }: { input: { at: string } }) => ({ at: new Date(input.at) }) },
      'context.at: an instance of Date, not a plain object',
    ],
    [
      'a context that breaks',
      {
        context: () => {
          throw new Error('no context');
        },
      },
      'no context',
    ],
  ])('also at the start: %s', (_what, config, detail) => {
    const machine = registered({ initial: 'a', states: { a: {} }, ...config });
    expect(start(machine, { at }, at)).toEqual({
      accepted: false,
      reason: 'fault',
      from: '',
      allowed: [],
      detail,
    });
  });
});

describe('effects', () => {
  it('are named in the order in which they happen, with their parameters', () => {
    const mail = (to: string) => ({
      type: 'mail',
      params: ({ context }: { context: Context }) => ({ to, count: context.count }),
    });
    const machine = registered({
      initial: 'a',
      entry: 'note',
      states: {
        a: {
          entry: mail('set up'),
          exit: mail('left'),
          on: { go: { target: 'b', actions: ['count', mail('moved'), log('not an effect')] } },
        },
        b: {
          initial: { target: 'x', actions: { type: 'mail', params: { to: 'started', count: 9 } } },
          entry: ['count', mail('came')],
          states: { x: { entry: 'note' } },
        },
      },
    });
    expect(start(machine, {}, at)).toMatchObject({
      to: 'a',
      effects: [
        { type: 'note', params: null },
        { type: 'mail', params: { to: 'set up', count: 0 } },
      ],
    });
    expect(send(machine, begin(machine), 'go')).toMatchObject({
      to: 'b.x',
      effects: [
        { type: 'mail', params: { to: 'left', count: 0 } },
        { type: 'mail', params: { to: 'moved', count: 1 } },
        { type: 'mail', params: { to: 'came', count: 2 } },
        { type: 'mail', params: { to: 'started', count: 9 } },
        { type: 'note', params: null },
      ],
    });
  });

  it('may be computed from data and actor', () => {
    const machine = registered({
      initial: 'a',
      states: {
        a: {
          on: {
            go: {
              actions: enqueueActions(({ enqueue, event }) => {
                const { data, actor } = event as unknown as MachineEvent;
                if (data !== undefined) enqueue({ type: 'mail', params: { to: actor.id, data } });
              }),
            },
          },
        },
      },
    });
    expect(send(machine, begin(machine), 'go')).toMatchObject({ accepted: true, effects: [] });
    expect(send(machine, begin(machine), 'go', { data: { n: [1] } })).toMatchObject({
      effects: [{ type: 'mail', params: { to: 'otto', data: { n: [1] } } }],
    });
  });
});

describe('timers', () => {
  const after = 'xstate.after.1000.m.waiting';
  const soon = 'xstate.after.soon.m.waiting';
  const waiting = registered(
    {
      initial: 'waiting',
      states: {
        waiting: {
          after: {
            1000: { target: 'late', actions: 'note' },
            soon: { guard: 'isCounted', actions: 'count' },
          },
          on: {
            stay: { actions: 'count' },
            again: 'waiting',
            anew: { target: 'waiting', reenter: true },
            leave: 'away',
            end: 'done',
          },
        },
        late: { on: { back: 'waiting' } },
        away: { on: { back: 'waiting' } },
        done: { type: 'final' },
      },
    },
    'stay again anew leave end back',
  );
  const job = begin(waiting);
  const both = [timer(after, 1000), timer(soon, 250)];

  it('start with the state that waits', () => {
    expect(job.timers).toEqual(both);
  });

  it.each(['stay', 'again'])('run on when %s leaves the state as it is', (event) => {
    expect(send(waiting, job, event, { time: later(900) })).toMatchObject({ timers: both });
  });

  it('start anew when the state is entered anew', () => {
    const decision = send(waiting, job, 'anew', { time: later(900) });
    expect(decision).toMatchObject({ timers: [timer(after, 1900), timer(soon, 1150)] });
  });

  it('end with the state, and start anew when it is entered again', () => {
    const away = held(send(waiting, job, 'leave', { time: later(100) }));
    expect(away.timers).toEqual([]);
    const back = send(waiting, away, 'back', { time: later(5000) });
    expect(back).toMatchObject({ timers: [timer(after, 6000), timer(soon, 5250)] });
  });

  it('fire as events of the system', () => {
    const rest = { ...job, timers: [timer(soon, 250)] };
    expect(send(waiting, rest, after, { actor: system, time: later(1000) })).toMatchObject({
      accepted: true,
      from: 'waiting',
      to: 'late',
      effects: [{ type: 'note', params: null }],
      timers: [],
    });
  });

  it('that fire late, when the state is gone or its guard says no, lead nowhere', () => {
    const away = held(send(waiting, job, 'leave'));
    expect(send(waiting, away, after, { actor: system })).toMatchObject({ reason: 'absent' });
    expect(send(waiting, job, soon, { actor: system })).toMatchObject({
      reason: 'guard',
      detail: 'isCounted',
    });
    const counted = held(send(waiting, job, 'stay'));
    expect(send(waiting, counted, soon, { actor: system })).toMatchObject({ to: 'waiting' });
  });

  it('that belong to other states are left alone', () => {
    const other = timer('other', 60_000);
    const decision = send(waiting, { ...job, timers: [other, ...job.timers] }, 'leave');
    expect(decision).toMatchObject({ timers: [other] });
  });

  it('end with the machine, whoever started them', () => {
    const other = timer('other', 60_000);
    const decision = send(waiting, { ...job, timers: [other, ...job.timers] }, 'end');
    expect(decision).toMatchObject({ to: 'done', timers: [] });
  });
});

describe('a raised event', () => {
  const raising = registered(
    {
      initial: 'a',
      states: {
        a: {
          on: {
            now: { actions: [raise({ type: 'count' }), raise({ type: 'move' })] },
            later: { actions: raise({ type: 'move' }, { delay: 500 }) },
            named: {
              actions: raise({ type: 'move' }, { delay: 'soon' as never, id: 'mine' }),
            },
            never: { actions: cancel('mine') },
            at: { actions: raise({ type: 'move' }, { delay: 0 }) },
            count: { actions: 'count' },
            move: 'b',
          },
        },
        b: { on: { count: { actions: 'count' } } },
      },
    },
    'now later named never at count move',
  );
  const job = begin(raising);

  it('without a delay is taken in at once', () => {
    const decision = send(raising, job, 'now');
    expect(decision).toMatchObject({ from: 'a', to: 'b', timers: [] });
    expect(held(decision).snapshot.context).toEqual({ count: 1, seen: null });
  });

  it('with a delay is a timer that nothing but a cancel ends', () => {
    const decision = send(raising, job, 'later');
    expect(decision).toMatchObject({ to: 'a', timers: [timer('move', 500)] });
    const moved = send(raising, held(decision), 'move');
    expect(moved).toMatchObject({ to: 'b', timers: [timer('move', 500)] });
  });

  it('with a delay of nothing is due at once', () => {
    expect(send(raising, job, 'at')).toMatchObject({ to: 'a', timers: [timer('move', 0)] });
  });

  it('with an id is cancelled by it, and starts anew under it', () => {
    const first = held(send(raising, job, 'named'));
    expect(first.timers).toEqual([timer('mine', 250, 'move')]);
    const again = held(send(raising, first, 'named', { time: later(100) }));
    expect(again.timers).toEqual([timer('mine', 350, 'move')]);
    expect(send(raising, again, 'never')).toMatchObject({ timers: [] });
  });
});

describe('eventless transitions', () => {
  it('follow the event in the same step, with their effects', () => {
    const machine = registered({
      initial: 'a',
      states: {
        a: { on: { go: { target: 'b', actions: 'count' }, stop: 'b' } },
        b: { always: { guard: 'isCounted', target: 'c', actions: 'note' } },
        c: { always: 'd', entry: 'count' },
        d: {},
      },
    });
    expect(send(machine, begin(machine), 'stop')).toMatchObject({ to: 'b', effects: [] });
    const decision = send(machine, begin(machine), 'go');
    expect(decision).toMatchObject({
      from: 'a',
      to: 'd',
      effects: [{ type: 'note', params: null }],
    });
    expect(held(decision).snapshot.context).toEqual({ count: 2, seen: null });
  });

  it('follow the set-up too', () => {
    const machine = registered({
      initial: 'a',
      states: { a: { always: 'b' }, b: { type: 'final' } },
    });
    expect(start(machine, {}, at)).toMatchObject({ to: 'b', next: { status: 'done' } });
  });
});

describe('nested and parallel states', () => {
  const machine = registered(
    {
      initial: 'draft',
      states: {
        draft: { on: { submit: 'review' } },
        review: {
          type: 'parallel',
          states: {
            legal: {
              initial: 'open',
              states: { open: { on: { pass: 'passed' } }, passed: { type: 'final' } },
            },
            technical: {
              initial: 'queue',
              states: {
                queue: { on: { take: 'work' } },
                work: {
                  initial: 'reading',
                  states: { reading: { on: { pass: '#m.review.technical.passed' } } },
                },
                passed: { type: 'final' },
              },
            },
          },
          onDone: 'published',
        },
        published: { type: 'final' },
      },
    },
    'submit pass take',
  );
  const review = held(send(machine, begin(machine), 'submit'));

  it('are told as dotted states, the parts of a parallel one joined by |', () => {
    const taken = send(machine, review, 'take');
    expect(taken).toMatchObject({
      from: 'review.legal.open|review.technical.queue',
      to: 'review.legal.open|review.technical.work.reading',
    });
    expect(statesOf(held(taken).snapshot.value as Record<string, string>)).toEqual([
      'review',
      'review.legal',
      'review.legal.open',
      'review.technical',
      'review.technical.work',
      'review.technical.work.reading',
    ]);
  });

  it('move together where both parts have the event, and end when both have ended', () => {
    const taken = held(send(machine, review, 'take'));
    expect(send(machine, taken, 'pass')).toMatchObject({
      from: 'review.legal.open|review.technical.work.reading',
      to: 'published',
      next: { status: 'done' },
    });
    expect(send(machine, review, 'pass')).toMatchObject({
      to: 'review.legal.passed|review.technical.queue',
    });
  });

  it('with a part that has no states of its own are told by its name', () => {
    expect(stateOf({ a: {}, b: { c: 'd' } })).toBe('a|b.c.d');
    expect(statesOf({ a: {}, b: { c: 'd' } })).toEqual(['a', 'b', 'b.c', 'b.c.d']);
  });
});

describe('a job that went through JSON', () => {
  const player = (history: 'shallow' | 'deep') =>
    registered(
      {
        // To the library a dot in an id is a step down.
        id: 'my.player',
        initial: 'on',
        states: {
          on: {
            initial: 'one',
            states: {
              one: { on: { next: 'two' } },
              two: { initial: 'x', states: { x: { on: { next: 'y' } }, y: {} } },
              back: { type: 'history', history },
            },
            on: { off: 'off' },
          },
          off: { on: { back: 'on.back' } },
        },
      },
      'next off back',
    );

  it.each([
    ['shallow', 'on.two.x'],
    ['deep', 'on.two.y'],
  ] as const)('comes back to where its %s history says: %s', (history, to) => {
    const machine = player(history);
    let job = begin(machine);
    for (const event of ['next', 'next', 'off']) job = held(send(machine, job, event));
    expect(send(machine, job, 'back')).toMatchObject({ from: 'off', to });
  });

  it('starts at the beginning where there is no history yet', () => {
    const machine = registered({
      initial: 'off',
      states: {
        off: { on: { go: 'on.back' } },
        on: { initial: 'one', states: { one: {}, back: { type: 'history' } } },
      },
    });
    expect(send(machine, begin(machine), 'go')).toMatchObject({ to: 'on.one' });
  });

  const trail = (mark: string) =>
    assign({ seen: ({ context }: { context: Context }) => `${String(context.seen)}${mark}` });

  it('takes transitions of several parts in the order in which it would have taken them without', () => {
    const machine = registered(
      {
        type: 'parallel',
        states: {
          a: {
            initial: 'one',
            states: {
              one: { on: { go: 'two' } },
              two: { always: { guard: 'isCounted', target: 'three', actions: trail('a') } },
              three: {},
            },
          },
          b: {
            initial: 'one',
            states: {
              one: { always: { guard: 'isCounted', target: 'two', actions: trail('b') } },
              two: {},
            },
          },
        },
        on: { count: { actions: 'count' } },
      },
      'go count',
    );
    const first = begin(machine).snapshot;
    const event = (name: string) => machineEvent(name, null, operator, at);
    const moved = held(step(machine, first, event('go'))).snapshot;
    const live = held(step(machine, moved, event('count'))).snapshot;
    const stored = held(step(machine, throughJson(machine, moved), event('count'))).snapshot;
    expect(live.context).toEqual({ count: 1, seen: 'nullab' });
    expect(persistSnapshot(stored)).toEqual(persistSnapshot(live));
  });

  it('is whole although the library loses a state whose history is targeted from inside', () => {
    const machine = registered({
      initial: 'on',
      states: {
        on: {
          initial: 'one',
          exit: 'note',
          states: { one: { on: { go: 'back' } }, back: { type: 'history' } },
          on: { stop: 'off' },
        },
        off: {},
      },
    });
    const event = (name: string) => machineEvent(name, null, operator, at);
    const inside = held(step(machine, begin(machine).snapshot, event('go'))).snapshot;
    const stored = throughJson(machine, inside);
    expect(inside._nodes.map(({ id }) => id)).toEqual(['m', 'm.on', 'm.on.one']);
    const effects = [{ type: 'note', params: null }];
    expect(step(machine, inside, event('stop'))).toMatchObject({ to: 'off', effects });
    expect(step(machine, stored, event('stop'))).toMatchObject({ to: 'off', effects });
  });
});
