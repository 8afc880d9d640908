import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  InvalidData,
  JobManager,
  ManagedPipelineJob,
  ManagedPipelineJobInstance,
  UnknownEvent,
  UnknownMachine,
  defineMachine,
  type EventsOf,
  type JobHandle,
  type pipelineJob,
} from 'jobwright';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';

const events = {
  order: z.object({ dish: z.string(), count: z.number().int().default(1) }),
  serve: z.object({ table: z.number() }).optional(),
  pay: z.object({ cents: z.number() }),
};
const input = z.object({ guest: z.string() });
const dinner = defineMachine({
  name: 'dinner',
  version: '1',
  input,
  events,
  machine: setup({
    types: { events: {} as EventsOf<typeof events>, input: {} as z.output<typeof input> },
  }).createMachine({
    id: 'dinner',
    initial: 'seated',
    states: {
      seated: { on: { order: 'waiting' } },
      waiting: { on: { order: 'waiting', serve: 'eating' } },
      eating: { on: { pay: 'done' } },
      done: {},
    },
  }),
});

type PipelineEvents = (typeof pipelineJob)['events'];
const open = (home: string) =>
  JobManager.open({
    machines: [dinner],
    store: createMemoryStore(),
    secrets: [{ kid: 'test', secret: randomBytes(32) }],
    home,
    logLevel: 'silent',
  });

let home = '';
let manager: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'jobwright-types-'));
  manager = await open(home);
  await manager.pipelines.put('tacobot');
});
afterAll(async () => {
  await manager.close();
  await rm(home, { recursive: true, force: true });
});

/** Checked by tsc and never run. */
const unrun = (_lines: () => unknown): void => undefined;
const see = (_value: unknown): void => undefined;

describe('the types of the managed pipeline job', () => {
  it('know its events and refuse others, as the engine does', async () => {
    const job = await manager.setup('pipelineJob', { pipeline: 'tacobot' });
    expectTypeOf(job).toEqualTypeOf<JobHandle<PipelineEvents>>();
    expectTypeOf(await job.run().update({ any: 'data' }).finish(null)).toEqualTypeOf<
      JobHandle<PipelineEvents>
    >();
    expect(job.state).toBe('FINISHED');
    unrun(() => {
      // @ts-expect-error no event of the machine has this name
      see(job.launch);
      // @ts-expect-error nor in the middle of a chain
      see(job.run().launch);
      // @ts-expect-error data is a mapping
      void job.update('half way');
      // @ts-expect-error the name of an event is a text
      void job.send(5);
      // @ts-expect-error reset is the whole action, which says why
      void job.reset({});
      // @ts-expect-error so does delete
      void job.delete();
      // @ts-expect-error a chain has no reset
      see(job.run().reset);
      // @ts-expect-error what is shown cannot be set
      job.state = 'RUNNING';
    });
    await expect(job.send('launch')).rejects.toThrow(UnknownEvent);
  });

  it('are the same at the two front doors', () => {
    unrun(async () => {
      const job = new ManagedPipelineJob({ pipelines: { pipeline_uuid: 'tacobot' } });
      expectTypeOf(await job.setup()).toEqualTypeOf<ManagedPipelineJob>();
      expectTypeOf(await job.run().finish()).toEqualTypeOf<ManagedPipelineJob>();
      expectTypeOf(job.uuid).toEqualTypeOf<string>();
      // @ts-expect-error no event of the machine has this name
      see(job.launch);
      // @ts-expect-error pipelines have to be given
      new ManagedPipelineJob({});
      // @ts-expect-error a reset says why
      await job.reset({ token: 'x' });
      const instance = new ManagedPipelineJobInstance({ uuid: 'x', token: 'y' });
      expectTypeOf(
        await instance.run().update({ n: 1 }),
      ).toEqualTypeOf<ManagedPipelineJobInstance>();
      // @ts-expect-error an instance is of a job
      new ManagedPipelineJobInstance({ token: 'y' });
      // @ts-expect-error a message names an event
      await instance.handle({ uuid: 'x' });
      // @ts-expect-error an instance does not reset; an admin does, on the job
      see(instance.reset);
    });
    expect(new ManagedPipelineJob({ pipelines: {} })).toBeInstanceOf(ManagedPipelineJob);
  });
});

describe("the types of a user's machine", () => {
  it('know its events and what each of them says, as the engine does', async () => {
    const job = await manager.setup('dinner', { data: { guest: 'ada' } });
    await job.order({ dish: 'taco' }).serve();
    expect(job.state).toBe('eating');
    const { entries } = await job.history({ after: 1, limit: 1 });
    expect(entries[0]?.data).toEqual({ dish: 'taco', count: 1 });
    unrun(() => {
      void job.serve({ table: 5 }).pay({ cents: 1200 });
      // @ts-expect-error an order has a dish
      void job.order({ count: 2 });
      // @ts-expect-error which is a text
      void job.order({ dish: 5 });
      // @ts-expect-error an order cannot come without data
      void job.order();
      // @ts-expect-error nor in a chain
      void job.order({ dish: 'taco' }).pay();
      // @ts-expect-error a serve has no tip
      void job.serve({ table: 5, tip: 1 });
      // @ts-expect-error it has no events of other machines
      see(job.run);
    });
    await expect(job.send('pay')).rejects.toThrow(InvalidData);
    await expect(job.send('run')).rejects.toThrow(UnknownEvent);
  });

  it('tell machines apart by their names', async () => {
    const { id } = await manager.setup('dinner', { data: { guest: 'ben' } });
    const job = await manager.job<'dinner'>(id);
    expectTypeOf(job).toEqualTypeOf<JobHandle<typeof events>>();
    expectTypeOf(
      await manager.job('x').catch(() => null),
    ).toEqualTypeOf<JobHandle<PipelineEvents> | null>();
    expectTypeOf(dinner.name).toEqualTypeOf<'dinner'>();
    const other: string = 'supper';
    unrun(async () => {
      const unknown = await manager.setup(other);
      // @ts-expect-error of a machine that is not known by type, events go by name
      see(unknown.order);
      void unknown.send('order', { dish: 'taco' });
      // @ts-expect-error an option of set-up that there is not
      await manager.setup('dinner', { date: {} });
      // @ts-expect-error no such name
      await manager.job<'supper'>(id);
    });
    await expect(manager.setup(other)).rejects.toThrow(UnknownMachine);
  });

  it('give a machine its events with their parsed data', () => {
    type Order = Extract<EventsOf<typeof events>, { type: 'order' }>;
    expectTypeOf<Order['data']>().toEqualTypeOf<{ dish: string; count: number }>();
    expectTypeOf<Order['actor']['kind']>().toEqualTypeOf<
      'job' | 'worker' | 'reader' | 'operator' | 'admin' | 'system'
    >();
    unrun(() => {
      // @ts-expect-error a machine has a version
      defineMachine({ name: 'x', machine: dinner.machine, input, events });
      // @ts-expect-error an event has a zod schema
      defineMachine({ ...dinner, events: { order: 'text' } });
    });
    expect(Object.keys(dinner.events)).toEqual(['order', 'serve', 'pay']);
  });
});
