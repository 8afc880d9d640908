import { describe, expect, it } from 'vitest';
import { and, enqueueActions, log, not, or } from 'xstate';
import { allowedEvents } from '../../src/machine/allowedEvents.ts';
import { machineEvent, type MachineEvent } from '../../src/machine/event.ts';
import { persistSnapshot } from '../../src/machine/snapshot.ts';
import { start, step } from '../../src/machine/step.ts';
import { registered, type Context } from './stepMachine.ts';
import { admin, at, begin, held, operator, send } from './testMachine.ts';

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

  it('that two states around each other refuse is refused in the name of the inner one', () => {
    const machine = registered({
      initial: 'a',
      states: { a: { on: { go: { guard: 'isBig', target: 'a' } } } },
      on: { go: { guard: 'isCounted', target: '.a' } },
    });
    expect(send(machine, begin(machine), 'go')).toMatchObject({ detail: 'isBig' });
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
    expect(persistSnapshot(gone.snapshot)).toMatchObject({ value: 'gone', status: 'done' });
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
