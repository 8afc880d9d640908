import { describe, expect, it } from 'vitest';
import { cancel, raise } from 'xstate';
import { later, registered, timer } from './stepMachine.ts';
import { begin, held, send, system } from './testMachine.ts';

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
