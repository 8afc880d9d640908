import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { begin, contextOf, send, stateOf, worker } from './recordSteps.ts';

const start = Date.parse('2026-11-21T08:00:00.000Z');
const iso = (milliseconds: number): string => new Date(start + milliseconds).toISOString();

/** Claims it as soon as it may be claimed, and ends that with an error of a class, or by losing the worker. */
function fail(snapshot: AnyMachineSnapshot, errorClass: string): AnyMachineSnapshot {
  const { readyAt, epoch } = contextOf(snapshot);
  const at = readyAt ?? iso(0);
  const claimed = send(snapshot, 'claim', { worker: worker.id }, undefined, at);
  if (!claimed.accepted) throw new Error(`no claim in ${stateOf(snapshot)}`);
  const error = { type: errorClass, message: 'no' };
  const ended =
    errorClass === 'worker_lost'
      ? send(claimed.next, 'release', { epoch: epoch + 1, lost: true }, undefined, at)
      : send(claimed.next, 'fail', { epoch: epoch + 1, error }, undefined, at);
  if (!ended.accepted) throw new Error('its end is refused');
  return ended.next;
}

/** The states that a record is in after each of these failures. */
function statesAfter(retries: object | undefined, ...classes: readonly string[]): string[] {
  let snapshot = begin(retries ? { retries } : {});
  return classes.map((each) => {
    snapshot = fail(snapshot, each);
    return stateOf(snapshot);
  });
}

const times = (count: number, name: string): string[] => Array.from({ length: count }, () => name);

describe('automatic retries', () => {
  it('are none without a policy', () => {
    expect(statesAfter(undefined, 'unknown_error')).toEqual(['error']);
  });

  it.each([0, 1, 2, 5])('are exactly %i where that is the limit', (limit) => {
    const states = statesAfter(
      { limits: { random_error: limit } },
      ...times(limit + 1, 'random_error'),
    );
    expect(states).toEqual([...times(limit, 'waiting'), 'error']);
  });

  it('count each class by itself', () => {
    const policy = { limits: { unknown_error: 2, random_error: 1 } };
    const classes = ['unknown_error', 'random_error', 'unknown_error', 'random_error'];
    expect(statesAfter(policy, ...classes)).toEqual(['waiting', 'waiting', 'waiting', 'error']);
  });

  it('count all classes that are not named in one budget, under *', () => {
    const policy = { limits: { '*': 2, named: 1 } };
    expect(statesAfter(policy, 'one', 'named', 'other', 'third')).toEqual([
      'waiting',
      'waiting',
      'waiting',
      'error',
    ]);
    expect(statesAfter({ limits: { named: 1 } }, 'other')).toEqual(['error']);
  });

  it('give a record back five times whose worker was lost, unless told otherwise', () => {
    expect(statesAfter(undefined, ...times(6, 'worker_lost'))).toEqual([
      ...times(5, 'waiting'),
      'error',
    ]);
    expect(statesAfter({ limits: { worker_lost: 0 } }, 'worker_lost')).toEqual(['error']);
    expect(statesAfter({ limits: { '*': 0 } }, 'worker_lost')).toEqual(['waiting']);
  });

  it('say why a record whose worker was lost too often is in error', () => {
    let snapshot = begin();
    for (const each of times(6, 'worker_lost')) snapshot = fail(snapshot, each);
    expect(contextOf(snapshot).error).toEqual({
      type: 'worker_lost',
      message: 'its worker was lost too often',
    });
  });

  it('are not counted where a claim is given back untouched', () => {
    let snapshot = begin({ retries: { limits: { worker_lost: 0 } } });
    for (let claim = 1; claim <= 3; claim += 1) {
      const claimed = send(snapshot, 'claim', { worker: worker.id });
      const released = claimed.accepted && send(claimed.next, 'release', { epoch: claim }, worker);
      if (!released || !released.accepted) throw new Error('was refused');
      snapshot = released.next;
    }
    expect(contextOf(snapshot)).toMatchObject({
      retried: {},
      attempts: 0,
      epoch: 3,
      readyAt: null,
    });
  });

  it('begin anew after a manual reset', () => {
    let snapshot = begin({ retries: { limits: { '*': 1 } } });
    for (const state of ['waiting', 'error']) {
      snapshot = fail(snapshot, 'odd');
      expect(stateOf(snapshot)).toBe(state);
    }
    const reset = send(snapshot, 'reset');
    if (!reset.accepted) throw new Error('was refused');
    expect(contextOf(reset.next)).toMatchObject({ retried: {}, error: null, readyAt: null });
    expect(stateOf(fail(reset.next, 'odd'))).toBe('waiting');
  });

  it('wait twice as long each time, up to the longest, each class for itself', () => {
    const policy = { limits: { odd: 9, even: 9 }, delay: 1_000, longestDelay: 5_000 };
    let snapshot = begin({ retries: policy });
    const waits = ['odd', 'odd', 'even', 'odd', 'odd', 'even'].map((each) => {
      const before = Date.parse(contextOf(snapshot).readyAt ?? iso(0));
      snapshot = fail(snapshot, each);
      return Date.parse(contextOf(snapshot).readyAt ?? '') - before;
    });
    expect(waits).toEqual([1_000, 2_000, 1_000, 4_000, 5_000, 2_000]);
  });

  it('wait a second first and ten minutes at the longest, unless told otherwise', () => {
    let snapshot = begin({ retries: { limits: { odd: 30 } } });
    let [before, wait] = [start, 0];
    const waits = times(20, 'odd').map((each) => {
      snapshot = fail(snapshot, each);
      const ready = Date.parse(contextOf(snapshot).readyAt ?? '');
      wait = ready - before;
      before = ready;
      return wait;
    });
    expect(waits.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
    expect(waits.at(-1)).toBe(600_000);
  });

  it('may not be claimed before their time, and may at it', () => {
    const policy = { limits: { odd: 1 }, delay: 60_000 };
    const waiting = fail(begin({ retries: policy }), 'odd');
    const claim = (time: number) =>
      send(waiting, 'claim', { worker: worker.id }, worker, iso(time));
    expect(claim(59_999)).toMatchObject({ accepted: false, reason: 'guard' });
    expect(claim(60_000)).toMatchObject({ accepted: true, to: 'running' });
  });

  it('show no error of an attempt while the record waits for the next', () => {
    const waiting = fail(begin({ retries: { limits: { odd: 1 } } }), 'odd');
    expect(contextOf(waiting)).toMatchObject({ error: null, attempts: 1, producer: null });
  });

  it('never exceed their budgets, whatever goes wrong in which order', () => {
    const classes = ['odd', 'even', 'third', 'worker_lost'];
    const limit = fc.integer({ min: 0, max: 3 });
    const policy = fc.record({ odd: limit, even: limit, '*': limit }, { requiredKeys: [] });
    const failures = fc.array(fc.constantFrom(...classes), { maxLength: 20 });
    fc.assert(
      fc.property(policy, failures, (limits, names) => {
        const left: Record<string, number> = { '*': 0, worker_lost: 5, ...limits };
        let snapshot = begin({ retries: { limits } });
        for (const name of names) {
          if (stateOf(snapshot) !== 'waiting') return;
          snapshot = fail(snapshot, name);
          const key = name in left ? name : '*';
          left[key] = (left[key] ?? 0) - 1;
          expect(stateOf(snapshot)).toBe(left[key] >= 0 ? 'waiting' : 'error');
        }
      }),
      { numRuns: 200 },
    );
  });
});
