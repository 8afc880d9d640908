import { describe, expect, it } from 'vitest';
import { bulkRun, type BulkRunContext } from '../../machines/bulkRun.ts';
import type { Actor } from '../../src/machine/actor.ts';
import { machineEvent } from '../../src/machine/event.ts';
import { createRegistry } from '../../src/machine/registry.ts';
import { restoreSnapshot } from '../../src/machine/snapshot.ts';
import { start, step } from '../../src/machine/step.ts';

const system: Actor = { kind: 'system', id: 'bulk' };
const operator: Actor = { kind: 'operator', id: 'otto' };
const at = '2026-11-21T08:00:00.000Z';
const registered = createRegistry([bulkRun]).get('bulkRun');
const input = {
  ...{ op: 'cancel', data: null, scope: 'self', by: operator, runner: 'p', call: 'c' },
};

const data: Readonly<Record<string, unknown>> = {
  gather: { ids: ['a', 'b'] },
  relate: { ids: ['c'] },
  begin: { sharedLeft: 1 },
  take: { runner: 'other' },
  advance: {
    ...{ runner: 'p', chunk: 0, from: 0, counts: { updated: 1, unchanged: 1, refused: 0 } },
    ...{ outcomes: { kinds: [], runs: [] }, byCode: { DUPLICATE: 1 } },
  },
  finish: { runner: 'p' },
  stop: null,
  fail: { reason: 'gone' },
  comment: { text: 'x' },
};
const states = ['gathering', 'running', 'stopping', 'finished', 'stopped', 'failed'] as const;
/** Event → state → where it leads with one chunk left to do. */
const table: Readonly<Record<string, Partial<Record<(typeof states)[number], string>>>> = {
  gather: { gathering: 'gathering' },
  relate: { gathering: 'gathering' },
  begin: { gathering: 'running' },
  take: { running: 'running', stopping: 'stopping' },
  advance: { running: 'running', stopping: 'stopping' },
  finish: { stopping: 'stopped' },
  stop: { gathering: 'stopped', running: 'stopping' },
  fail: { gathering: 'failed' },
  comment: Object.fromEntries(states.map((state) => [state, state])),
};

const begun = start(registered, input, at);
const context = (begun.accepted ? begun.next.context : {}) as BulkRunContext;
const snapshotIn = (value: string, more: Partial<BulkRunContext> = {}) =>
  restoreSnapshot(registered.machine, {
    ...{ value, status: 'active' },
    context: { ...context, chunks: 1, ...more },
  });
const send = (snapshot: ReturnType<typeof snapshotIn>, name: string, given = data[name]) => {
  const actor = name === 'stop' ? operator : system;
  const json = given === null ? null : JSON.stringify(given);
  return step(registered, snapshot, machineEvent(name, json, actor, at));
};

describe('the bulkRun machine', () => {
  it('starts in gathering, with nothing done', () => {
    expect(begun).toMatchObject({ accepted: true, to: 'gathering' });
    expect(context).toMatchObject({ runner: 'p', chunk: 0, progress: { done: 0, total: 0 } });
  });

  it.each(Object.keys(table).flatMap((event) => states.map((from) => ({ event, from }))))(
    '$event in $from',
    ({ event, from }) => {
      const to = table[event]?.[from];
      const decision = send(snapshotIn(from), event);
      if (to === undefined) expect(decision).toMatchObject({ accepted: false, from });
      else expect(decision).toMatchObject({ accepted: true, from, to });
    },
  );

  it.each(['running', 'stopping'])('finishes from %s once every chunk is done', (from) => {
    const decision = send(snapshotIn(from, { chunk: 1 }), 'finish');
    expect(decision).toMatchObject({ accepted: true, to: 'finished' });
  });

  it.each([
    ['another runner', { ...(data['advance'] as object), runner: 'q' }],
    ['another chunk', { ...(data['advance'] as object), chunk: 1 }],
  ])('takes no advance of %s', (_whose, given) => {
    expect(send(snapshotIn('running'), 'advance', given)).toMatchObject({ accepted: false });
  });

  it.each(Object.keys(table).filter((event) => !['stop', 'comment'].includes(event)))(
    'takes no %s from outside',
    (event) => {
      const json = JSON.stringify(data[event]);
      for (const state of states) {
        const decision = step(
          registered,
          snapshotIn(state),
          machineEvent(event, json, operator, at),
        );
        expect(decision).toMatchObject({ accepted: false });
      }
    },
  );

  it('counts requested targets and relatives apart', () => {
    const gathered = send(snapshotIn('gathering', { chunks: 0 }), 'relate');
    if (!gathered.accepted) throw new Error(gathered.reason);
    const both = send(gathered.next, 'gather');
    if (!both.accepted) throw new Error(both.reason);
    expect(both.next.context).toMatchObject({
      ...{ chunks: 2, leading: 1 },
      progress: { total: 2, relatives: { total: 1 } },
    });
    const running = snapshotIn('running', { ...(both.next.context as BulkRunContext) });
    const counts = { updated: 0, unchanged: 1, refused: 0 };
    const relatives = send(running, 'advance', { runner: 'p', chunk: 0, counts });
    if (!relatives.accepted) throw new Error(relatives.reason);
    const own = send(relatives.next, 'advance', { ...(data['advance'] as object), chunk: 1 });
    if (!own.accepted) throw new Error(own.reason);
    expect(own.next.context).toMatchObject({
      chunk: 2,
      progress: {
        ...{ done: 2, total: 2, updated: 1, unchanged: 1, refused: 0, byCode: { DUPLICATE: 1 } },
        relatives: { done: 1, total: 1, updated: 0, unchanged: 1, refused: 0, sharedLeft: 0 },
      },
    });
  });
});
