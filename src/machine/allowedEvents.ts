import type { AnyMachineSnapshot } from 'xstate';
import type { Actor, ActorKind } from './actor.ts';
import { actionName, isForbidden } from './checkMachine.ts';
import { machineEvent } from './event.ts';
import type { RegisteredMachine } from './registry.ts';

/** An event that the job's state has, with the kinds of actors whose guards pass. */
export interface AllowedEvent {
  readonly name: string;
  readonly who: readonly ActorKind[];
}

const kinds: readonly ActorKind[] = ['job', 'worker', 'operator', 'admin', 'system'];

/**
 * What could be sent now, in the machine's order of events: each event that some kind of actor could
 * send with a guard's verdict on an event without data. A guard that fails for want of data counts as
 * passed: the event itself will tell.
 */
export function allowedEvents(
  registered: RegisteredMachine,
  snapshot: AnyMachineSnapshot,
  at: string,
): readonly AllowedEvent[] {
  return list(registered, snapshot, (name) => {
    const who = kinds.filter((kind) => passes(registered, snapshot, name, { kind, id: '' }, at));
    return who.length > 0 ? { name, who } : undefined;
  });
}

/** The same where it follows from the state alone; undefined where a guard had to be asked. */
export function openEvents(
  registered: RegisteredMachine,
  snapshot: AnyMachineSnapshot,
): readonly AllowedEvent[] | undefined {
  let isAsked = false;
  const events = list(registered, snapshot, () => void (isAsked = true));
  return isAsked ? undefined : events;
}

function list(
  registered: RegisteredMachine,
  snapshot: AnyMachineSnapshot,
  ask: (name: string) => AllowedEvent | undefined,
): readonly AllowedEvent[] {
  if (snapshot.status !== 'active') return [];
  return [...registered.eventNames.values()].flatMap((name) => {
    const transitions = snapshot._nodes.flatMap((node) => node.transitions.get(name) ?? []);
    if (transitions.length === 0) return [];
    // Where no guard has a say nobody need be asked: most events of most machines.
    if (!transitions.some(isForbidden)) {
      if (transitions.every(({ guard }) => guard === undefined)) return [{ name, who: kinds }];
      const isAdmins = registered.adminEvents.has(name);
      if (isAdmins && transitions.some(asksForAdminAlone)) return [{ name, who: adminAlone }];
    }
    return ask(name) ?? [];
  });
}

const adminAlone: readonly ActorKind[] = ['admin'];

/** Its guard is the one whose verdict is known without asking. */
const asksForAdminAlone = ({ guard }: { readonly guard?: unknown }): boolean =>
  actionName(guard) === 'isAdmin';

function passes(
  registered: RegisteredMachine,
  snapshot: AnyMachineSnapshot,
  name: string,
  actor: Actor,
  at: string,
): boolean {
  if (registered.adminEvents.has(name) && actor.kind !== 'admin') return false;
  try {
    const event = machineEvent(name, null, actor, at);
    return !registered.machine.getTransitionData(snapshot, event).every(isForbidden);
  } catch {
    return true;
  }
}
