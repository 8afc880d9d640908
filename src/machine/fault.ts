import type { AnyMachineSnapshot, ExecutableActionObject } from 'xstate';
import { canonicalJson } from './canonicalJson.ts';
import { refusedBuiltIns } from './checkMachine.ts';
import { startedTimer } from './timers.ts';

/** Whether an action is for a handler, after the commit; all others are the library's own. */
export const isEffect = ({ type }: ExecutableActionObject): boolean => !type.startsWith('xstate.');

/**
 * What makes a decision unfit to be stored: an error inside, a context or an effect's parameters that
 * JSON would change, a delay that is no time, an actor that some computed action asks for.
 */
export function faultOf(
  next: AnyMachineSnapshot,
  contextBefore: unknown,
  actions: readonly ExecutableActionObject[],
  at: string,
): string | undefined {
  if (next.status === 'error') return messageOf(next.error);
  const faults = actions.flatMap((action) => actionFault(action, at) ?? []);
  if (faults.length > 0) return faults.join('; ');
  return next.context === contextBefore ? undefined : jsonFault(next.context, 'context');
}

function actionFault(action: ExecutableActionObject, at: string): string | undefined {
  const { type, params } = action;
  if (refusedBuiltIns.has(type)) return `${type} needs a living actor; use an effect`;
  if (isEffect(action)) return params ? jsonFault(params, type) : undefined;
  const timer = startedTimer(action, at);
  if (timer && carriesData(params))
    return `the delayed ${timer.event} would lose its data; keep it in the context`;
  const due = timer?.dueAt.getTime();
  return Number.isNaN(due)
    ? `the delay of ${timer?.event} is no number of milliseconds`
    : undefined;
}

/** A timer is stored as the type of its event. */
const carriesData = (params: unknown): boolean =>
  Object.keys((params as { event: object }).event).length > 1;

function jsonFault(value: unknown, root: string): string | undefined {
  const json = canonicalJson(value, storedLimits, root);
  return json.ok
    ? undefined
    : json.issues.map((each) => `${each.path}: ${each.message}`).join('; ');
}

const storedLimits = { depth: 32, keys: 100_000, bytes: 1_048_576 };

/** What an error says, whatever was thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
