import { defineMachine, type EffectRun, type EventsOf, type JobManager } from 'jobwright';
import { afterEach, beforeEach } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';
import type { EffectTask } from '../../src/store/store.ts';
import { waitUntil } from '../support/waitUntil.ts';
import type { World } from './world.ts';

const note = z.looseObject({}).optional();
const events = {
  on: z.object({ watts: z.number().positive() }),
  off: note,
  ring: note,
  twice: note,
};
const input = z.looseObject({});

/** How long the lamp burns, in milliseconds. */
export const burns = 7 * 86_400_000;

/** What the tests' own handler of the effect `bell` does; each file has its own. */
export interface Bell {
  handle: (run: EffectRun) => Promise<void>;
}

/** A machine as a user writes one: a timer, a guard on the data, an effect of its own. */
export const lampMachine = (bell: Bell) =>
  defineMachine({
    name: 'lamp',
    version: '1',
    input,
    events,
    machine: setup({
      types: { events: {} as EventsOf<typeof events>, input: {} },
      guards: { isBright: ({ event }) => (event.data as { watts?: number }).watts !== 1 },
      actions: { bell: (_, _params: { tune: string }) => undefined },
    }).createMachine({
      id: 'lamp',
      initial: 'dark',
      states: {
        dark: { on: { on: { guard: 'isBright', target: 'bright' } } },
        bright: {
          on: {
            off: 'dark',
            ring: { target: 'bright', actions: [{ type: 'bell', params: { tune: 'a' } }] },
            twice: {
              actions: [
                { type: 'bell', params: { tune: 'b' } },
                { type: 'bell', params: { tune: 'c' } },
              ],
            },
          },
          after: {
            [burns]: { target: 'burnt', actions: [{ type: 'bell', params: { tune: 'end' } }] },
          },
        },
        burnt: { on: { ring: { actions: [{ type: 'bell', params: { tune: 'late' } }] } } },
      },
    }),
    effects: { bell: (run) => bell.handle(run) },
  });

/** The lamp in a world: its machine with a bell that writes down who rang it, and what came of it. */
export function useLamp(world: World) {
  const bell: Bell = { handle: async () => undefined };
  const lamp = lampMachine(bell);
  const rung: EffectRun[] = [];
  let number = 0;
  beforeEach(() => {
    rung.length = 0;
    bell.handle = async (run) => void rung.push(run);
  });
  const rungBy = (id: string): EffectRun[] => rung.filter(({ jobId }) => jobId === id);
  const managers: JobManager<readonly [typeof lamp]>[] = [];
  const open = async (): Promise<JobManager<readonly [typeof lamp]>> => {
    const manager = await world.open({ machines: [lamp] });
    managers.push(manager);
    return manager;
  };
  // What one test leaves open would run the effects of the next.
  afterEach(async () => {
    await Promise.all(managers.splice(0).map((each) => each.close()));
  });
  const statusOf = async (id: string): Promise<unknown[][]> => {
    const { effects } = await world.stored(id);
    return (effects as EffectTask[]).map(({ status, attempts, error }) =>
      error === undefined ? [status, attempts] : [status, attempts, error],
    );
  };
  return {
    bell,
    rung,
    rungBy,
    open,
    newLamp: (manager: Awaited<ReturnType<typeof open>>) =>
      manager.setup('lamp', { data: { number: (number += 1) } }),
    /** Status, attempts and last error of each of a job's effects. */
    statusOf,
    /** Resolves once the bell has been rung for a job so many times. */
    heard: (id: string, count: number) =>
      waitUntil(
        `the bell of ${id} rings ${count} times`,
        async () => rungBy(id).length >= count || `${rungBy(id).length} times`,
        10_000,
        10,
      ),
    /** Resolves once the job's effects are so. */
    settled: (id: string, expected: readonly unknown[]) =>
      waitUntil(
        `the effects of ${id} settle`,
        async () => {
          const found = JSON.stringify(await statusOf(id));
          return found === JSON.stringify(expected) || found;
        },
        10_000,
        10,
      ),
  };
}
