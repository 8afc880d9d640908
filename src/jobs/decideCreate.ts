import { MachineFault } from '../errors.ts';
import { start } from '../machine/step.ts';
import type { Draft, Standing } from './decide.ts';
import type { Demand } from './request.ts';

/** A set-up: the `create` entry, or none where the job is there already. */
export function decideCreate(
  { engine, job, at }: Standing,
  { type, typeVersion, json, setup }: Demand & { kind: 'create' },
): readonly Draft[] {
  if (job && !job.removed) return [];
  const registered = engine.registry.get(type, typeVersion);
  // A decision that is kept needs neither input nor time.
  const decision =
    registered.plainSteps.start?.decision ?? start(registered, JSON.parse(json), at.toISOString());
  if (!decision.accepted) {
    throw new MachineFault(`${type}@${typeVersion}`, 'create', decision.detail ?? 'no reason');
  }
  const { next: snapshot, to, effects, timers } = decision;
  return [
    {
      entry: { name: 'create', operation: 'create', data: json, from: null, to, effects },
      moved: { snapshot, timers },
      setup,
    },
  ];
}
