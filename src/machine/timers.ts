import type { ExecutableActionObject } from 'xstate';

/** A delayed transition that waits for its time. */
export interface Timer {
  readonly id: string;
  /** Type of the event that fires it. */
  readonly event: string;
  readonly dueAt: Date;
}

/** The timers after these actions: started, started anew under the same id, or cancelled. */
export function timersAfter(
  actions: readonly ExecutableActionObject[],
  before: readonly Timer[],
  at: string,
): readonly Timer[] {
  let timers = before;
  for (const action of actions) {
    const id = action.type === 'xstate.cancel' ? cancelled(action) : undefined;
    const started = startedTimer(action, at);
    if (id !== undefined) timers = timers.filter((timer) => timer.id !== id);
    if (started) timers = [...timers.filter((timer) => timer.id !== started.id), started];
  }
  return timers;
}

/** The timer that an action starts. Its time is no valid one where the delay is no finite number. */
export function startedTimer(action: ExecutableActionObject, at: string): Timer | undefined {
  if (action.type !== 'xstate.raise') return undefined;
  const { event, id, delay } = action.params as Raised;
  // Without a delay the machine has taken the event in already.
  if (delay === undefined) return undefined;
  return {
    id: id ?? event.type,
    event: event.type,
    dueAt: new Date(typeof delay === 'number' ? Date.parse(at) + delay : NaN),
  };
}

const cancelled = ({ params }: ExecutableActionObject): unknown =>
  (params as { readonly sendId?: unknown } | undefined)?.sendId;

interface Raised {
  readonly event: { readonly type: string };
  readonly id?: string;
  /** A computed one may be anything. */
  readonly delay?: unknown;
}
