import type { AnyStateNode } from 'xstate';
import { actionName } from './checkMachine.ts';

/** A guard in words: its name, or `a and b`, `a or b`, `not a`; a combination inside one in brackets. */
export function guardText(guard: unknown): string {
  if (typeof guard !== 'function') return named(guard);
  const { guards, stateValue } = guard as { guards?: readonly unknown[]; stateValue?: unknown };
  if (stateValue !== undefined) {
    return `in ${typeof stateValue === 'string' ? stateValue : JSON.stringify(stateValue)}`;
  }
  const inner = (guards ?? []).map((each) =>
    isCombination(each) ? `(${guardText(each)})` : guardText(each),
  );
  if (guard.name.startsWith('not')) return `not ${inner.join('')}`;
  return inner.join(guard.name.startsWith('and') ? ' and ' : ' or ');
}

const isCombination = (guard: unknown): boolean =>
  typeof guard === 'function' && 'guards' in guard && !guard.name.startsWith('not');

/**
 * What a state's action does beside changing the context, in words: the name of an effect, or the event
 * it raises and when. Nothing for assignments, logs, and the start and end of an `after`.
 */
export function actionTexts(node: AnyStateNode, action: unknown): string[] {
  if (typeof action === 'function') return builtInTexts(action, 'actions as it goes');
  const name = actionName(action);
  const implementation: unknown = name && node.machine.implementations.actions[name];
  return typeof implementation === 'function' && 'type' in implementation
    ? builtInTexts(implementation, named(action))
    : [named(action)];
}

function builtInTexts(action: object, name: string): string[] {
  const { type, event, id, delay } = action as Record<string, unknown>;
  if (type === 'xstate.enqueueActions') return [name];
  if (type !== 'xstate.raise' || String(id).startsWith('xstate.after.')) return [];
  const raised = typeof event === 'object' ? String((event as { type: unknown }).type) : 'an event';
  return [delay === undefined ? `raise ${raised}` : `raise ${raised} after ${delayText(delay)}`];
}

/** The name of a guard or an action, with the parameters that are written beside it. */
function named(reference: unknown): string {
  const name = actionName(reference) ?? '?';
  const { params } = (typeof reference === 'object' ? reference : {}) as { params?: unknown };
  if (typeof params !== 'object' || params === null) return name;
  const shown = Object.entries(params).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `${name}(${shown.join(', ')})`;
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
  ['millisecond', 1],
] as const;

/** A delay in words: `7 days`, `1 hour 30 minutes`, or the name it has in `setup({ delays })`. */
export function delayText(delay: unknown): string {
  if (typeof delay === 'string') return delay;
  if (typeof delay !== 'number') return 'a delay of its own';
  let rest = delay;
  const parts = units.flatMap(([unit, size]) => {
    const amount = size === 1 ? rest : Math.floor(rest / size);
    rest -= amount * size;
    return amount === 0 ? [] : [`${amount} ${unit}${amount === 1 ? '' : 's'}`];
  });
  return parts.join(' ') || '0 milliseconds';
}
