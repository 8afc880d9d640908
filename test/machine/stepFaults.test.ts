import { describe, expect, it } from 'vitest';
import { assign, enqueueActions, fromPromise, raise } from 'xstate';
import { type MachineEvent } from '../../src/machine/event.ts';
import { start } from '../../src/machine/step.ts';
import { dataOf, registered, timer } from './stepMachine.ts';
import { at, begin, send } from './testMachine.ts';

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
