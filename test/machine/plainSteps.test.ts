import { describe, expect, it } from 'vitest';
import { pipelineJob } from '../../machines/index.ts';
import { machineEvent } from '../../src/machine/event.ts';
import { createRegistry, type RegisteredMachine } from '../../src/machine/registry.ts';
import { start, step } from '../../src/machine/step.ts';
import { registered } from './stepMachine.ts';
import { admin, at, begin, operator, send } from './testMachine.ts';

const lamp = registered(
  {
    context: undefined,
    initial: 'off',
    states: {
      off: { on: { on: 'on', reset: { guard: 'isAdmin', target: 'off' } } },
      on: { on: { on: 'on', off: 'off', reset: { guard: 'isAdmin', target: 'off' } } },
    },
  },
  'on off reset',
);
const pipeline = createRegistry([pipelineJob], new Set(['clearArchive', 'sendReady'])).get(
  'pipelineJob',
);

/** Two jobs through the same events, each with data and an actor of its own. */
function decideTwice(machine: RegisteredMachine, events: readonly string[]) {
  return [operator, admin].map((actor, index) => {
    let decision = start(machine, { number: index }, at);
    for (const event of events) {
      if (!decision.accepted) throw new Error(decision.detail);
      const sent = machineEvent(event, `{"seen":${index}}`, actor, at);
      decision = step(machine, decision.next, sent, decision.timers);
    }
    return decision;
  });
}

describe('plain steps', () => {
  it.each([
    ['the start', lamp, []],
    ['an event', lamp, ['on']],
    ['an event that leads to the same state', lamp, ['on', 'on', 'on']],
    ['a way back', lamp, ['on', 'off', 'on', 'off']],
    ['an event of the pipeline job', pipeline, ['run', 'update', 'finish']],
  ])('decide %s once for all jobs', (_, machine, events) => {
    const [one, other] = decideTwice(machine, events);
    expect(one).toBe(other);
  });

  it('decide a job from storage like one at hand', () => {
    const job = begin(lamp);
    expect(send(lamp, job, 'on')).toBe(send(lamp, job, 'on'));
  });

  it('leave an event with a guard to its guard', () => {
    const job = begin(lamp);
    expect(send(lamp, job, 'reset', { actor: operator }).accepted).toBe(false);
    expect(send(lamp, job, 'reset', { actor: admin }).accepted).toBe(true);
    expect(send(lamp, job, 'reset', { actor: operator }).accepted).toBe(false);
  });

  it('share a context that nobody can change', () => {
    expect(Object.isFrozen(begin(lamp).snapshot.context)).toBe(true);
  });

  it.each([
    ['a context', { context: { count: 0 } }],
    ['a context from the input', { context: ({ input }: { input: unknown }) => ({ input }) }],
    ['an entry action', { states: { a: { entry: 'note', on: { go: 'b' } }, b: {} } }],
    ['an exit action', { states: { a: { exit: 'note', on: { go: 'b' } }, b: {} } }],
    ['an eventless step', { states: { a: { on: { go: 'b' } }, b: { always: 'a' } } }],
    ['a timer', { states: { a: { on: { go: 'b' } }, b: { after: { 1000: 'a' } } } }],
    ['an end', { states: { a: { on: { go: 'b' } }, b: { type: 'final' as const } } }],
    [
      'nested states',
      { states: { a: { on: { go: 'b' } }, b: { initial: 'c', states: { c: {} } } } },
    ],
    ['an action', { states: { a: { on: { go: { target: 'b', actions: 'note' } } }, b: {} } }],
  ])('are not taken for a machine with %s', (_, config) => {
    const states = { a: { on: { go: 'b' } }, b: {} };
    const machine = registered({ context: undefined, initial: 'a', states, ...config });
    const [one, other] = decideTwice(machine, ['go']);
    expect(one).toMatchObject({ accepted: true, from: 'a' });
    expect(one).not.toBe(other);
  });

  it('are not taken for a job that remembers something', () => {
    const states = { a: { on: { go: 'a', stop: { actions: 'keep' } } } };
    const machine = registered({ context: undefined, initial: 'a', states });
    const [one, other] = decideTwice(machine, ['stop', 'go']);
    expect(one).toMatchObject({ next: { context: { seen: 0 } } });
    expect(other).toMatchObject({ next: { context: { seen: 1 } } });
  });
});
