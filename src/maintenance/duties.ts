import { resumeRuns } from '../bulk/resumeRuns.ts';
import type { Engine } from '../jobs/engine.ts';
import { releaseLost } from '../records/releaseLost.ts';
import { sweepOutputs } from '../records/sweepOutputs.ts';
import type { Duty } from './duty.ts';
import { fireTimers } from './fireTimers.ts';
import { beat, repairLost } from './repairProjection.ts';

/** All that an open process does in the background. Times in milliseconds. */
export function duties(engine: Engine, background: boolean): readonly Duty[] {
  const repaired = new Map<string, number>();
  const always: Duty[] = [{ name: 'beat', every: 200, run: () => beat(engine) }];
  if (!background) return always;
  return [
    ...always,
    { name: 'repairLost', every: 200, run: () => repairLost(engine, repaired) },
    { name: 'fireTimers', every: 250, run: () => fireTimers(engine) },
    { name: 'releaseLost', every: 500, run: () => releaseLost(engine) },
    { name: 'runEffects', every: 500, run: () => engine.effects.runDue() },
    { name: 'resumeBulkRuns', every: 2_000, run: () => resumeRuns(engine) },
    { name: 'sweepTrash', every: 3_600_000, run: () => engine.archive.sweepTrash() },
    { name: 'sweepOutputs', every: 3_600_000, run: () => sweepOutputs(engine) },
  ];
}
