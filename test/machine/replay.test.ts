import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { replay, type ReplayEntry } from '../../src/machine/replay.ts';
import { stateOf } from '../../src/machine/snapshot.ts';
import { at, operator, register, system } from './testMachine.ts';

const registered = register(
  createMachine({
    id: 'm',
    initial: 'a',
    states: {
      a: { on: { go: 'b' } },
      b: { on: { back: 'a' }, after: { 1000: { guard: 'isLate', target: 'c' }, 2000: 'c' } },
      c: {},
    },
  }).provide({ guards: { isLate: () => false } }),
  'go back',
);

const entry = (name: string, to: string | null, more: Partial<ReplayEntry> = {}): ReplayEntry => ({
  name,
  data: null,
  to,
  actor: operator,
  at: new Date(at),
  ...more,
});
const create = entry('create', 'a', { operation: 'create', data: '{}' });
const fired = (after: number, to: string) => {
  const event = `xstate.after.${after}.m.b`;
  const data = JSON.stringify({ event, id: event });
  return entry('timer', to, { operation: 'timer', data, actor: system });
};

/** Where entries lead, and the timers that wait there; or the entry that is at fault, and why. */
const told = (...entries: readonly ReplayEntry[]) => {
  const replayed = replay(registered, entries);
  if (!replayed.ok) return [replayed.index, replayed.reason];
  return [stateOf(replayed.snapshot.value as string), ...replayed.timers.map(({ event }) => event)];
};

describe('a replay', () => {
  it('leads where the entries led, with the timers that wait there', () => {
    expect(told(create)).toEqual(['a']);
    expect(told(create, entry('go', 'b'))).toEqual([
      'b',
      'xstate.after.1000.m.b',
      'xstate.after.2000.m.b',
    ]);
    expect(told(create, entry('go', 'b'), fired(2000, 'c'))).toEqual(['c']);
  });

  it('goes on from where another ended', () => {
    const first = replay(registered, [create, entry('go', 'b')]);
    if (!first.ok) throw new Error(first.reason);
    const second = replay(registered, [fired(2000, 'c')], first);
    expect(second).toEqual(replay(registered, [create, entry('go', 'b'), fired(2000, 'c')]));
  });

  it('ticks off a timer that led nowhere', () => {
    expect(told(create, entry('go', 'b'), fired(1000, 'b'))).toEqual([
      'b',
      'xstate.after.2000.m.b',
    ]);
  });

  it('leaves alone what only concerns the job around the machine', () => {
    expect(told(create, entry('revoke', 'a', { operation: 'revoke' }), entry('go', 'b'))[0]).toBe(
      'b',
    );
  });

  it('starts again at another create', () => {
    expect(told(create, entry('go', 'b'), create)).toEqual(['a']);
  });

  it.each<[what: string, entries: readonly ReplayEntry[], index: number, reason: string]>([
    ['nothing', [], 0, 'no entries'],
    ['no create', [entry('go', 'b')], 0, 'no create entry before it'],
    ['an event that is not accepted', [create, entry('back', 'a')], 1, 'absent in a'],
    ['an event that leads elsewhere', [create, entry('go', 'c')], 1, 'leads to b, not c'],
    [
      'a create that leads elsewhere',
      [entry('create', 'b', { operation: 'create' })],
      0,
      'leads to a, not b',
    ],
    ['a timer that leads elsewhere', [create, entry('go', 'b'), fired(1000, 'c')], 2, 'guard in b'],
    ['an unknown event', [create, entry('constructor', 'a')], 1, 'absent in a'],
  ])('says what is wrong with %s', (_what, entries, index, reason) => {
    expect(told(...entries)).toEqual([index, reason]);
  });

  it.each([
    ['data', entry('create', 'a', { operation: 'create', data: '{' })],
    ['a timer', entry('timer', 'a', { operation: 'timer', data: 'null' })],
    ['a time', entry('go', 'b', { at: new Date(NaN) })],
  ])('does not throw where %s cannot be read', (_what, broken) => {
    const [index, reason] = told(create, broken);
    expect(index).toBe(1);
    expect(reason).toMatch(/^the entry cannot be read: /);
  });
});
