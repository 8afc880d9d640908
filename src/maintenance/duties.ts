import type { Engine } from '../jobs/engine.ts';
import type { Duty } from './duty.ts';
import { fireTimers } from './fireTimers.ts';
import { beat, repairLost } from './repairProjection.ts';

/** All that an open process does in the background. Times in milliseconds. */
export const duties = (engine: Engine): readonly Duty[] => [
  { name: 'beat', every: 500, run: () => beat(engine) },
  { name: 'repairLost', every: 1_000, run: () => repairLost(engine) },
  { name: 'fireTimers', every: 250, run: () => fireTimers(engine) },
  { name: 'runEffects', every: 500, run: () => engine.effects.runDue() },
  { name: 'sweepTrash', every: 3_600_000, run: () => engine.archive.sweepTrash() },
];
