import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  JobManager,
  defineMachine,
  type JobError,
  type JobHandle,
  type SetupOutcome,
  type pipelineJob,
} from 'jobwright';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';

const lamp = defineMachine({
  name: 'lamp',
  version: '1',
  input: z.object({ room: z.string() }),
  events: { press: z.object({ by: z.string() }) },
  machine: setup({}).createMachine({
    id: 'lamp',
    initial: 'off',
    states: { off: { on: { press: 'on' } }, on: { on: { press: 'off' } } },
  }),
});
type LampHandle = JobHandle<(typeof lamp)['events']>;
type PipelineHandle = JobHandle<(typeof pipelineJob)['events']>;

const home = mkdtempSync(join(tmpdir(), 'jobwright-many-types-'));
const open = () =>
  JobManager.open({
    machines: [lamp],
    store: createMemoryStore(),
    secrets: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    home,
    logLevel: 'silent',
  });
let manager: Awaited<ReturnType<typeof open>>;
beforeAll(async () => {
  manager = await open();
});
afterAll(async () => {
  await manager.close();
  rmSync(home, { recursive: true, force: true });
});

/** Checked by tsc and never run. */
const unrun = (_lines: () => unknown): void => undefined;
const see = (_value: unknown): void => undefined;

describe('the types of many set-ups', () => {
  it('tell the job by the name of its machine', async () => {
    unrun(async () => {
      const lamps = await manager.setupMany('lamp', []);
      expectTypeOf(lamps).toEqualTypeOf<SetupOutcome<LampHandle>[]>();
      const pipelineJobs = await manager.setupMany('pipelineJob', []);
      expectTypeOf(pipelineJobs).toEqualTypeOf<SetupOutcome<PipelineHandle>[]>();
      const unnamed = await manager.setupMany('lamp' as string, []);
      expectTypeOf(unnamed).toEqualTypeOf<SetupOutcome<JobHandle>[]>();
      // @ts-expect-error a set-up has no such field
      await manager.setupMany('lamp', [{ colour: 'red' }]);
    });
    const [outcome] = await manager.setupMany('lamp', [{ data: { room: 'hall' } }]);
    expect(outcome).toMatchObject({ index: 0, outcome: 'created', job: { state: 'off' } });
  });

  it('tell a job from an error by the outcome', async () => {
    const [good, bad] = await manager.setupMany('lamp', [
      { data: { room: 'kitchen' } },
      { data: { room: 5 } },
    ]);
    if (!good || good.outcome === 'refused') throw new Error('is refused');
    if (bad?.outcome !== 'refused') throw new Error('is not refused');
    expectTypeOf(good.outcome).toEqualTypeOf<'created' | 'existing'>();
    expectTypeOf(good.job).toEqualTypeOf<LampHandle>();
    expectTypeOf(bad.error).toEqualTypeOf<JobError>();
    unrun(() => {
      // @ts-expect-error a lamp has no such event
      see(good.job.run);
      // @ts-expect-error what was refused has no job
      see(bad.job);
      // @ts-expect-error what was not has no error
      see(good.error);
    });
    await good.job.press({ by: 'ada' });
    expect([good.job.state, bad.error.code]).toEqual(['on', 'INVALID_DATA']);
  });
});
