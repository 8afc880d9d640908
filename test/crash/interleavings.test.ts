import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/jobs/engine.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { checkHistory } from '../support/checkHistory.ts';
import { readStore } from '../support/rawDatabase.ts';
import { isLong } from '../support/waitUntil.ts';
import {
  machines,
  minute,
  openProcess,
  openRescuer,
  processes,
  second,
  take,
  toLog,
  type Arrange,
  type ProcessPlan,
  type RunningProcess,
  type Told,
} from './fixtures/plannedProcesses.ts';

const figures = { runs: 0, deaths: 0, acknowledged: 0, refused: 0, unknown: 0 };

async function play(scheduler: fc.Scheduler, plans: readonly ProcessPlan[]): Promise<string[]> {
  const store = createMemoryStore({ now: () => new Date(0) });
  const arrange: Arrange = (label) => scheduler.schedule(Promise.resolve(), label);
  const running = await Promise.all(plans.map((plan) => openProcess(store, plan, arrange)));
  const rescuer = await openRescuer(store);
  const told: Told[] = [];
  // Both jobs are there to begin with; whoever comes after a removal makes them anew.
  await take(rescuer.engine, { do: 'create', job: 0 }, '', told);
  await take(rescuer.engine, { do: 'create', job: 1 }, '', told);
  const rescue = async ({ engine, landed }: RunningProcess): Promise<void> => {
    await rescuer.repair([engine.processId], second);
    await landed();
    await rescuer.repair([engine.processId], minute);
  };
  const work = running.map(async (process, place) => {
    const { engine, died } = process;
    const callers = plans[place]?.callers ?? [];
    const done = Promise.all(
      callers.map(async (steps, caller) => {
        for (const [index, next] of steps.entries()) {
          const isShared = next.do === 'send' && next.isKeyShared;
          const key = isShared ? `shared-${next.name}` : `${place}-${caller}-${index}`;
          await take(engine, next, key, told);
        }
      }),
    );
    await Promise.race([done, died.then(() => rescue(process))]);
  });
  await scheduler.waitFor(Promise.all(work));
  // The living may still die at this.
  await scheduler.waitFor(
    Promise.all(running.map(({ engine, died }) => Promise.race([engine.projector.flush(), died]))),
  );
  const deaths = running.filter((each) => each.isDead()).length;
  // Nothing moves on by itself from here: the living are gone as well, whatever they are at.
  rescuer.wait();
  await rescuer.repair(
    running.map(({ engine }) => engine.processId),
    minute,
  );
  await finish(rescuer);
  const found = checkHistory(await readStore(store), { machines, log: toLog(told) });
  for (const each of told.filter(({ outcome }) => outcome === 'unknown')) {
    await take(rescuer.engine, each.step, each.key, told);
    each.outcome = told.pop()?.outcome ?? 'unknown';
    each.isRepeated = true;
    figures.unknown += 1;
  }
  await finish(rescuer);
  figures.runs += 1;
  figures.deaths += deaths;
  for (const { outcome } of told) figures[outcome] += 1;
  return [...found, ...checkHistory(await readStore(store), { machines, log: toLog(told) })];
}

/** Lets nothing stay open. */
async function finish({ engine }: { engine: Engine }): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    await engine.effects.runDue();
    await engine.projector.flush();
  }
}

describe('several processes, in any order of their store calls, some of them dying', () => {
  it(
    'keep every promise',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), processes, async (scheduler, plans) => {
          expect(await play(scheduler, plans)).toEqual([]);
        }),
        { numRuns: isLong ? 20_000 : 300, timeout: 20_000, endOnFailure: true },
      );
      console.info(`interleavings: ${JSON.stringify(figures)}, broken 0`);
    },
    isLong ? 1_800_000 : 120_000,
  );
});
