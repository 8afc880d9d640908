import type { AnyMachineSnapshot } from 'xstate';
import { actionName } from './checkMachine.ts';
import { guardText } from './labels.ts';

/** The guard that stood in the way of an event this state has: of the innermost state first. */
export function refusingGuard(snapshot: AnyMachineSnapshot, type: string): string | undefined {
  for (const node of snapshot._nodes.toReversed()) {
    for (const { guard } of node.transitions.get(type) ?? []) {
      if (guard !== undefined) return actionName(guard) ?? guardText(guard);
    }
  }
  return undefined;
}
