import { describe, expect, it } from 'vitest';
import { assign } from 'xstate';
import { machineEvent } from '../../src/machine/event.ts';
import { persistSnapshot, stateOf, statesOf } from '../../src/machine/snapshot.ts';
import { step } from '../../src/machine/step.ts';
import { registered, type Context } from './stepMachine.ts';
import { at, begin, held, operator, send, throughJson } from './testMachine.ts';

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
