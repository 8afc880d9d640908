import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { InvalidData } from '../../src/errors.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { perform, type Operation } from '../support/operations.ts';
import { isLong } from '../support/waitUntil.ts';

const home = mkdtempSync(join(tmpdir(), 'jobwright-counts-'));
const secrets = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
afterAll(() => rmSync(home, { recursive: true, force: true }));

const openManagers = async (count: number) => {
  // Shared: nobody closes it.
  const store = { ...createMemoryStore(), close: async () => undefined };
  const options = { home, secrets, store, logLevel: 'silent', background: false } as const;
  const managers = await Promise.all(Array.from({ length: count }, () => JobManager.open(options)));
  await managers[0]?.pipelines.put('count');
  return managers as [JobManager, ...JobManager[]];
};

const place = fc.nat({ max: 3 });
const event = fc.constantFrom('run', 'run', 'update', 'finish', 'fail', 'validate', 'retire');
const step = fc.record({
  do: fc.oneof(
    { weight: 3, arbitrary: fc.constant('setup' as const) },
    { weight: 8, arbitrary: fc.constant('send' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('delete' as const, 'cancel' as const, 'reset' as const),
    },
  ),
  job: place,
  events: fc.array(event, { minLength: 1, maxLength: 3 }),
  by: fc.nat({ max: 1 }),
  isWaitedFor: fc.boolean(),
});

describe('the counts of jobs', () => {
  it('tell how many jobs of each machine are in each state', async () => {
    const [manager] = await openManagers(1);
    expect(await manager.counts()).toEqual({});
    const [one, two] = await Promise.all(
      [1, 2, 3].map((nr) => manager.setup('pipelineJob', { pipeline: 'count', data: { nr } })),
    );
    await one?.sendAll([{ name: 'run' }, { name: 'finish' }]);
    await two?.sendAll([{ name: 'run' }]);
    await manager.engine.projector.flush();
    const expected = { pipelineJob: { CREATED: 1, FINISHED: 1, RUNNING: 1 } };
    expect(await manager.counts()).toEqual(expected);
    expect(await manager.counts({ type: 'pipelineJob' })).toEqual(expected);
    expect(await manager.counts({ type: 'lamp' })).toEqual({});
    await two?.revokeTokens();
    await manager.close();
    const { store } = manager.engine;
    const other = await JobManager.open({ home, secrets, store, logLevel: 'silent' });
    expect(await other.counts()).toEqual(expected);
    await other.close();
  });

  it('are asked for by nothing but the name of a machine', async () => {
    const [manager] = await openManagers(1);
    for (const filter of [{ state: 'RUNNING' }, { type: 3 }] as object[]) {
      await expect(manager.counts(filter)).rejects.toThrow(InvalidData);
    }
    await manager.close();
  });

  it('are those of the log, whatever is done to jobs by several processes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const managers = await openManagers(2);
        const ids: string[] = [];
        const working: Promise<unknown>[] = [];
        for (const { job, events, by, isWaitedFor, ...rest } of steps) {
          const { engine } = managers[by] as JobManager;
          const id = ids[job % Math.max(ids.length, 1)] ?? '';
          const operation: Operation =
            rest.do === 'setup'
              ? { do: 'setup', type: 'pipelineJob', pipeline: 'count', data: { job } }
              : rest.do === 'send'
                ? { do: 'send', job: id, events: events.map((name) => ({ name })) }
                : { do: rest.do, job: id };
          const work = perform(engine, operation).then((outcome) => {
            if (outcome.ok && rest.do === 'setup' && !ids.includes(outcome.job))
              ids.push(outcome.job);
          });
          if (isWaitedFor) await work;
          else working.push(work);
        }
        await Promise.all(working);
        for (const { engine } of managers) await engine.projector.flush();
        const { jobs } = await managers[0].list({}, { limit: 500 });
        const expected = new Map<string, number>();
        for (const { state } of jobs) expected.set(state, (expected.get(state) ?? 0) + 1);
        const { pipelineJob = {} } = await managers[0].counts();
        expect(new Map(Object.entries(pipelineJob))).toEqual(expected);
        expect((await managers[0].verify()).problems).toEqual([]);
        for (const manager of managers) await manager.close();
      }),
      { numRuns: isLong ? 1_000 : 60 },
    );
  });
});
