import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordState } from '../../machines/recordEvents.ts';
import {
  after,
  at,
  begin,
  contextOf,
  dataFor,
  inState,
  send,
  stateOf,
  states,
} from './recordSteps.ts';

/** The chains of cases 14 to 18: what is sent, and the state after each. */
const chains: readonly { from: RecordState; steps: readonly (readonly [string, RecordState])[] }[] =
  [
    {
      from: 'waiting',
      steps: [
        ['cancel', 'cancelled'],
        ['uncancel', 'waiting'],
      ],
    },
    {
      from: 'running',
      steps: [
        ['cancel', 'cancelled'],
        ['uncancel', 'waiting'],
      ],
    },
    {
      from: 'error',
      steps: [
        ['cancel', 'cancelled'],
        ['uncancel', 'error'],
        ['reset', 'waiting'],
      ],
    },
    {
      from: 'error',
      steps: [
        ['cancel', 'cancelled'],
        ['delete', 'deleted'],
        ['undelete', 'cancelled'],
        ['uncancel', 'error'],
        ['reset', 'waiting'],
      ],
    },
    {
      from: 'complete',
      steps: [
        ['invalidate', 'invalid'],
        ['delete', 'deleted'],
        ['undelete', 'invalid'],
        ['uninvalidate', 'complete'],
      ],
    },
    {
      from: 'running',
      steps: [
        ['delete', 'deleted'],
        ['undelete', 'waiting'],
      ],
    },
  ];

describe('undoing', () => {
  it.each(chains)('leads back level by level: $from, $steps', ({ from, steps }) => {
    let snapshot = inState(from);
    for (const [event, to] of steps) {
      snapshot = after(snapshot, event);
      expect(stateOf(snapshot)).toBe(to);
    }
    expect(contextOf(snapshot).undo).toEqual([]);
  });

  it.each([
    ['cancel', 'uncancel', 'uncancel'],
    ['delete', 'undelete', 'undelete'],
    ['cancel', 'delete', 'uncancel'],
    ['cancel', 'undelete'],
    ['delete', 'uncancel'],
    ['cancel', 'delete', 'undelete', 'undelete'],
    ['uninvalidate'],
  ])('is refused twice, and out of order: %s %s %s', (...names) => {
    const last = names.filter((name) => name !== undefined).at(-1) ?? '';
    const before = after(begin(), ...names.slice(0, names.indexOf(last, names.length - 1)));
    expect(send(before, last)).toMatchObject({ accepted: false });
  });

  it('gives back tag and priority as they were, and the place in the queue', () => {
    const waiting = begin({ tag: 'gpu', priority: 750, programs: ['psi4'] });
    expect(contextOf(after(waiting, 'cancel', 'uncancel'))).toEqual(contextOf(waiting));
    expect(contextOf(after(waiting, 'cancel', 'delete', 'undelete', 'uncancel'))).toEqual(
      contextOf(waiting),
    );
  });

  it('takes a running record from its worker, and fences off what that still reports', () => {
    const back = after(inState('running'), 'cancel', 'uncancel');
    expect(contextOf(back)).toMatchObject({ lease: null, producer: null, epoch: 1 });
    const again = after(back, 'claim');
    expect(send(again, 'finish', { epoch: 1 })).toMatchObject({ accepted: false });
    expect(send(again, 'finish', { epoch: 2 })).toMatchObject({ accepted: true });
  });

  it('keeps what an error was while the record is put away, and its producer', () => {
    const { error, producer } = contextOf(inState('error'));
    const away = after(inState('error'), 'cancel', 'delete');
    expect(contextOf(away)).toMatchObject({ error, producer });
    expect(contextOf(after(away, 'undelete', 'uncancel'))).toMatchObject({ error, producer });
  });

  it('goes on with emptying the archive where that was broken off', () => {
    const cleaning = send(inState('error'), 'reset', { keepArchive: false });
    if (!cleaning.accepted) throw new Error('was refused');
    expect(cleaning.effects.map(({ type }) => type)).toEqual(['clearArchive']);
    const restored = send(after(cleaning.next, 'cancel'), 'uncancel');
    if (!restored.accepted) throw new Error('was refused');
    expect(restored.effects.map(({ type }) => type)).toEqual(['clearArchive']);
    expect(send(restored.next, 'claim', dataFor['claim'])).toMatchObject({ accepted: false });
    const ready = after(restored.next, 'ready');
    expect(send(ready, 'claim', dataFor['claim'])).toMatchObject({ accepted: true });
    expect(send(after(ready, 'cancel'), 'uncancel')).toHaveProperty('effects', []);
  });
});

/** A record as the plain rules tell it: a state, and a stack of those that undoing leads back to. */
interface Model {
  readonly state: RecordState;
  readonly stack: readonly RecordState[];
}

const moves: Readonly<Record<string, (model: Model) => Model | null>> = {
  claim: among(['waiting'], 'running'),
  finish: among(['running'], 'complete'),
  fail: among(['running'], 'error'),
  release: among(['running'], 'waiting'),
  reset: among(['error'], 'waiting'),
  modify: ({ state, stack }) => (workable.has(state) ? { state, stack } : null),
  comment: (model) => model,
  cancel: putAway(['waiting', 'running', 'error'], 'cancelled'),
  invalidate: putAway(['complete'], 'invalid'),
  delete: putAway(
    states.filter((state) => state !== 'deleted'),
    'deleted',
  ),
  uncancel: takeBack('cancelled'),
  uninvalidate: takeBack('invalid'),
  undelete: takeBack('deleted'),
};
const workable: ReadonlySet<RecordState> = new Set(['waiting', 'running', 'error']);

function among(from: readonly RecordState[], to: RecordState) {
  return ({ state, stack }: Model): Model | null =>
    from.includes(state) ? { state: to, stack } : null;
}
function putAway(from: readonly RecordState[], to: RecordState) {
  return ({ state, stack }: Model): Model | null =>
    from.includes(state)
      ? { state: to, stack: [...stack, state === 'running' ? 'waiting' : state] }
      : null;
}
function takeBack(from: RecordState) {
  return ({ state, stack }: Model): Model | null => {
    const before = stack.at(-1);
    return state === from && before ? { state: before, stack: stack.slice(0, -1) } : null;
  };
}

describe('any sequence of events', () => {
  it('leads where a stack says, and never shows an error but of a record that has one', () => {
    const sequence = fc.array(fc.constantFrom(...Object.keys(moves)), { maxLength: 60 });
    fc.assert(
      fc.property(sequence, (names) => {
        let snapshot = begin();
        let model: Model = { state: 'waiting', stack: [] };
        for (const name of names) {
          const data = reportOf(name, contextOf(snapshot).epoch);
          const decision = send(snapshot, name, data, undefined, at);
          const next = moves[name]?.(model) ?? null;
          expect(decision.accepted).toBe(next !== null);
          if (decision.accepted) snapshot = decision.next;
          model = next ?? model;
          const { undo, error, lease, producer } = contextOf(snapshot);
          expect({ state: stateOf(snapshot), stack: undo.map(({ state }) => state) }).toEqual(
            model,
          );
          const effective = [...undo.map(({ state }) => state), model.state];
          expect(error !== null).toBe(effective.includes('error'));
          expect(lease !== null).toBe(model.state === 'running');
          expect(producer !== null).toBe(effective.some((each) => ended.has(each)));
        }
      }),
      { numRuns: 300 },
    );
  });
});

const ended: ReadonlySet<RecordState> = new Set(['complete', 'error']);

/** The data of an event under the newest claim. */
const reportOf = (name: string, epoch: number): object | null => {
  const data = dataFor[name] ?? null;
  return data && 'epoch' in data ? { ...data, epoch } : data;
};
