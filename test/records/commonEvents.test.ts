import {
  commonEvents,
  defineMachine,
  InvalidData,
  modified,
  type EventsOf,
  type MachineEvent,
  type QueueWish,
} from 'jobwright';
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { RecordState } from '../../machines/recordEvents.ts';
import { storeKinds, useRecordWorld, type RecordHandle } from './recordWorld.ts';

/** A machine of somebody's own that takes the common events in, as data. */
const events = { ...commonEvents, heat: z.looseObject({}).optional() };
const oven = defineMachine({
  name: 'oven',
  version: '1',
  machine: setup({
    types: { context: {} as QueueWish, events: {} as EventsOf<typeof events> },
    actions: {
      comment: assign({}),
      modify: assign(({ context, event }) => modified(context, event as MachineEvent)),
    },
  }).createMachine({
    initial: 'cold',
    context: { tag: 'kitchen', priority: 500 },
    on: { comment: { actions: 'comment' } },
    states: {
      cold: { on: { heat: 'hot', modify: { actions: 'modify' } } },
      hot: {},
    },
  }),
  input: z.looseObject({}),
  events,
  work: ({ state, context }) => ({
    ...(state === 'cold' && {
      queue: { ...(context as QueueWish), needs: [], readyAt: null },
    }),
  }),
  details: ({ context }) => ({ ...context }),
});

describe.each(storeKinds)('common events on %s', (kind) => {
  const world = useRecordWorld(kind);
  const error = { type: 'unknown_error', message: 'no' };

  const ways: Readonly<Record<RecordState, (job: RecordHandle) => PromiseLike<unknown>>> = {
    waiting: (job) => Promise.resolve(job),
    running: (job) => job.claim({ worker: 'willow' }),
    complete: (job) => job.claim({ worker: 'willow' }).finish(),
    error: (job) => job.claim({ worker: 'willow' }).fail({ error }),
    cancelled: (job) => job.send('cancel'),
    invalid: (job) => job.claim({ worker: 'willow' }).finish().invalidate(),
    deleted: (job) => job.send('delete'),
  };

  it.each(Object.entries(ways))(
    'a comment on a record in %s changes nothing but its history',
    async (state, go) => {
      const job = await world.newRecord();
      await go(job);
      const { updatedAt, details, version } = job.view();
      await job.comment({ text: ' looks odd ' });
      expect(job.view()).toMatchObject({ state, updatedAt, details, version: version + 1 });
      const { entries } = await job.history({ after: version });
      expect(entries).toMatchObject([
        {
          name: 'comment',
          data: { text: 'looks odd' },
          actor: { kind: 'operator' },
          from: state,
          to: state,
        },
      ]);
      expect(entries[0]?.at).toMatch(/Z$/);
    },
  );

  it('a comment says something', async () => {
    const job = await world.newRecord();
    await expect(job.comment({ text: ' ' })).rejects.toThrow(InvalidData);
    await expect(job.comment({ text: 'x'.repeat(16_385) })).rejects.toThrow(InvalidData);
    expect(job.version).toBe(1);
  });

  it('a comment is as old as it is after a restart, too, and nothing after it is older', async () => {
    const later = Date.now() + 60_000;
    const ahead = await world.open({ now: () => later, background: false });
    const { id } = await world.newRecord();
    const job = (await ahead.jobs([id]))[0] as unknown as RecordHandle;
    const { updatedAt } = job.view();
    await job.comment({ text: 'from a clock that is ahead' });
    await ahead.engine.projector.flush();
    const document = await ahead.engine.store.readJob(id);
    expect(document?.updatedAt.toISOString()).toBe(updatedAt);
    expect(document?.lastAt).toEqual(new Date(later));

    const behind = await world.open({ background: false });
    const same = (await behind.jobs([id]))[0] as unknown as RecordHandle;
    expect(same.view()).toMatchObject({ updatedAt, version: 2 });
    await same.modify({ priority: 'low' });
    const { entries } = await same.history({ after: 1 });
    expect(entries.map(({ at }) => at)).toEqual(
      [later, later].map((at) => new Date(at).toISOString()),
    );
    expect(same.view()).toMatchObject({ updatedAt: new Date(later).toISOString(), version: 3 });
    expect((await behind.verify({ job: id })).problems).toEqual([]);
  });

  it('modify gives a record another tag or priority, by name or number, and moves it in the queue', async () => {
    const job = await world.newRecord({ data: { tag: 'CPU', priority: 10 } });
    const placeOf = async () => {
      await world.manager.engine.projector.flush();
      return (await world.manager.engine.store.readJob(job.id))?.queue;
    };
    const before = await placeOf();
    await job.modify({ tag: ' GPU ' });
    expect(job.view().details).toMatchObject({ tag: 'gpu', priority: 10 });
    await job.modify({ priority: 'high' });
    expect(job.view().details).toMatchObject({ tag: 'gpu', priority: 750 });
    const after = await placeOf();
    expect(after).toMatchObject({ priority: 750, since: before?.since });
    expect(after?.lane).not.toEqual(before?.lane);
    const { entries } = await job.history({ after: 1 });
    expect(entries.map(({ data }) => data)).toEqual([{ tag: 'gpu' }, { priority: 750 }]);
  });

  it.each([
    {},
    { priority: 1_001 },
    { priority: -1 },
    { priority: 'urgent' },
    { tag: ' ' },
    { tag: 'a\nb' },
  ])('modify refuses %j', async (data) => {
    const job = await world.newRecord();
    await expect(job.send('modify', data)).rejects.toThrow(InvalidData);
    expect(job.version).toBe(1);
  });

  it('are taken in as data by a machine of somebody’s own', async () => {
    const manager = await world.open({ machines: [oven] });
    const job = await manager.setup('oven', {});
    const { updatedAt } = job.view();
    await job.send('comment', { text: 'preheat it' });
    expect(job.view()).toMatchObject({ updatedAt, version: 2, details: { tag: 'kitchen' } });
    await job.send('modify', { tag: 'Bakery', priority: 'high' });
    expect(job.view().details).toEqual({ tag: 'bakery', priority: 750 });
    await manager.engine.projector.flush();
    expect((await manager.engine.store.readJob(job.id))?.queue).toMatchObject({ priority: 750 });
    await job.send('heat').send('comment', { text: 'hot' });
    expect(job).toMatchObject({ state: 'hot', version: 5 });
    expect((await manager.verify({ job: job.id })).problems).toEqual([]);
  });
});
