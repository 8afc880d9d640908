import type { AnyMachineSnapshot, ExecutableActionObject, StateValue } from 'xstate';
import { actorScope } from './actorScope.ts';
import { allowedEvents } from './allowedEvents.ts';
import { isForbidden } from './checkMachine.ts';
import type { Effect } from './effect.ts';
import type { MachineEvent } from './event.ts';
import { faultOf, isEffect, messageOf } from './fault.ts';
import { keep, type Slot } from './plainSteps.ts';
import { refusingGuard } from './refusingGuard.ts';
import type { RegisteredMachine } from './registry.ts';
import { asRestored, stateOf } from './snapshot.ts';
import { timersAfter, type Timer } from './timers.ts';

export type { Timer } from './timers.ts';

export interface Accepted {
  readonly accepted: true;
  readonly next: AnyMachineSnapshot;
  /** Dotted state before and after. */
  readonly from: string;
  readonly to: string;
  readonly effects: readonly Effect[];
  /** Timers after this event, of those that were given and those it started or cancelled. */
  readonly timers: readonly Timer[];
}

/**
 * Why not: `admin` only an admin may send this event, whatever the state; `finished` the machine has
 * ended; `absent` the state has no such event; `guard` it has, but its guards said no; `fault` the
 * machine itself failed.
 */
export interface Refused {
  readonly accepted: false;
  readonly reason: 'admin' | 'finished' | 'absent' | 'guard' | 'fault';
  readonly from: string;
  /** Events that some actor could send in this state. */
  readonly allowed: readonly string[];
  /** The guard that said no, or what failed. */
  readonly detail?: string;
}

/**
 * Decides one event: pure, total, never throws. The same machine, snapshot and event always give the
 * same decision, so a log can be replayed. The machine is evaluated once; only a refusal costs more.
 */
export function step(
  registered: RegisteredMachine,
  snapshot: AnyMachineSnapshot,
  event: MachineEvent,
  timers: readonly Timer[] = [],
): Accepted | Refused {
  if (registered.adminEvents.has(event.type) && event.actor.kind !== 'admin') {
    return refuse(registered, snapshot, event, 'admin');
  }
  // A machine that is done still takes events declared on its root.
  if (snapshot.status !== 'active') return refuse(registered, snapshot, event, 'finished');
  const slot = timers.length === 0 ? registered.plainSteps.slotOf(snapshot, event.type) : undefined;
  return slot?.decision ?? evaluate(registered, snapshot, event, timers, slot);
}

function evaluate(
  registered: RegisteredMachine,
  snapshot: AnyMachineSnapshot,
  event: MachineEvent,
  timers: readonly Timer[],
  slot: Slot | undefined,
): Accepted | Refused {
  const refused = (reason: Refused['reason'], detail?: string): Refused =>
    refuse(registered, snapshot, event, reason, detail);
  const from = stateOf(snapshot.value as StateValue);
  try {
    const transitions = registered.machine.getTransitionData(snapshot, event);
    if (transitions.every(isForbidden)) {
      // A state that forbids the event hides the guards of the states around it.
      const guard = transitions.length > 0 ? undefined : refusingGuard(snapshot, event.type);
      return guard === undefined ? refused('absent') : refused('guard', guard);
    }
    const actions: ExecutableActionObject[] = [];
    const next = registered.machine.transition(snapshot, event, actorScope(actions));
    const fault = faultOf(next, snapshot.context, actions, event.at);
    if (fault !== undefined) return refused('fault', fault);
    return keep(slot, accept(next, from, actions, timers, event.at));
  } catch (error) {
    return refused('fault', messageOf(error));
  }
}

function refuse(
  registered: RegisteredMachine,
  snapshot: AnyMachineSnapshot,
  event: MachineEvent,
  reason: Refused['reason'],
  detail?: string,
): Refused {
  const from = stateOf(snapshot.value as StateValue);
  const allowed = allowedEvents(registered, snapshot, event.at).map(({ name }) => name);
  return { accepted: false, reason, from, allowed, ...(detail !== undefined && { detail }) };
}

/** The first snapshot of a job: the same promises as `step`, with the set-up's data as input. */
export function start(
  registered: RegisteredMachine,
  input: unknown,
  at: string,
): Accepted | Refused {
  const refused = (detail: string): Refused => ({
    accepted: false,
    reason: 'fault',
    from: '',
    allowed: [],
    detail,
  });
  const slot = registered.plainSteps.start;
  if (slot?.decision) return slot.decision;
  try {
    const actions: ExecutableActionObject[] = [];
    const next = registered.machine.getInitialSnapshot(actorScope(actions), input);
    const fault = faultOf(next, undefined, actions, at);
    return fault === undefined ? keep(slot, accept(next, '', actions, [], at)) : refused(fault);
  } catch (error) {
    return refused(messageOf(error));
  }
}

function accept(
  next: AnyMachineSnapshot,
  from: string,
  actions: readonly ExecutableActionObject[],
  before: readonly Timer[],
  at: string,
): Accepted {
  const snapshot = asRestored(next);
  return {
    accepted: true,
    next: snapshot,
    from,
    to: stateOf(snapshot.value as StateValue),
    effects: actions.filter(isEffect).map(({ type, params }) => ({ type, params: params ?? null })),
    // A machine that is done takes no more events, also none of its own.
    timers: snapshot.status === 'active' ? timersAfter(actions, before, at) : [],
  };
}
