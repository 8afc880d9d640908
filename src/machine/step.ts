import { createActor, createMachine } from 'xstate';
import type { AnyActorScope, AnyMachineSnapshot, ExecutableActionObject } from 'xstate';
import { allowedEvents } from './allowedEvents.ts';
import { canonicalJson } from './canonicalJson.ts';
import type { Effect } from './effect.ts';
import type { MachineEvent } from './event.ts';
import type { RegisteredMachine } from './registry.ts';
import { stateOf } from './snapshot.ts';

/** A delayed transition that waits for its time. */
export interface Timer {
  readonly id: string;
  /** Type of the event that fires it. */
  readonly event: string;
  readonly dueAt: Date;
}

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
  const from = stateOf(snapshot.value);
  const refused = (reason: Refused['reason'], detail?: string): Refused => {
    const allowed = allowedEvents(registered, snapshot, event.at).map(({ name }) => name);
    return { accepted: false, reason, from, allowed, ...(detail !== undefined && { detail }) };
  };
  if (registered.adminEvents.has(event.type) && event.actor.kind !== 'admin') {
    return refused('admin');
  }
  // A machine that is done still takes events declared on its root.
  if (snapshot.status !== 'active') return refused('finished');
  try {
    if (registered.machine.getTransitionData(snapshot, event).length === 0) {
      const guard = refusingGuard(snapshot, event.type);
      return guard === undefined ? refused('absent') : refused('guard', guard);
    }
    const actions: ExecutableActionObject[] = [];
    const next = registered.machine.transition(snapshot, event, scope(actions));
    const fault = faultOf(next, snapshot.context) ?? undefined;
    if (fault !== undefined) return refused('fault', fault);
    return accept(next, from, actions, timers, event.at);
  } catch (error) {
    return refused('fault', messageOf(error));
  }
}

/** The first snapshot of a job: the same promises as `step`, with the set-up's data as input. */
export function start(
  registered: RegisteredMachine,
  input: unknown,
  at: string,
): Accepted | Refused {
  const actions: ExecutableActionObject[] = [];
  const next = registered.machine.getInitialSnapshot(scope(actions), input as never);
  const fault = faultOf(next, undefined);
  if (fault === undefined) return accept(next, '', actions, [], at);
  return { accepted: false, reason: 'fault', from: '', allowed: [], detail: fault };
}

function accept(
  next: AnyMachineSnapshot,
  from: string,
  actions: readonly ExecutableActionObject[],
  before: readonly Timer[],
  at: string,
): Accepted {
  const effects: Effect[] = [];
  let timers = before;
  for (const { type, params } of actions) {
    if (type === 'xstate.raise') timers = startTimer(timers, params as unknown as Raised, at);
    else if (type === 'xstate.cancel') timers = stopTimer(timers, params as unknown as Cancelled);
    else if (!type.startsWith('xstate.')) effects.push({ type, params: params ?? null });
  }
  return { accepted: true, next, from, to: stateOf(next.value), effects, timers };
}

interface Cancelled {
  readonly sendId: string;
}

const stopTimer = (timers: readonly Timer[], { sendId }: Cancelled): readonly Timer[] =>
  timers.filter(({ id }) => id !== sendId);

interface Raised {
  readonly event: { readonly type: string };
  readonly id?: string;
  readonly delay?: number;
}

function startTimer(timers: readonly Timer[], raised: Raised, at: string): readonly Timer[] {
  // Without a delay the machine has taken the event in already.
  if (raised.delay === undefined) return timers;
  const { type } = raised.event;
  const id = raised.id ?? type;
  const dueAt = new Date(Date.parse(at) + raised.delay);
  return [...timers.filter((timer) => timer.id !== id), { id, event: type, dueAt }];
}

/** What makes a snapshot unfit to be stored: an error inside, or a context that JSON would change. */
function faultOf(next: AnyMachineSnapshot, contextBefore: unknown): string | undefined {
  if (next.status === 'error') return messageOf(next.error);
  if (next.context === contextBefore) return undefined;
  const json = canonicalJson(next.context, contextLimits, 'context');
  return json.ok
    ? undefined
    : json.issues.map((each) => `${each.path}: ${each.message}`).join('; ');
}

const contextLimits = { depth: 32, keys: 100_000, bytes: 1_048_576 };

/** The name of a guard that stood in the way of an event this state has. */
function refusingGuard(snapshot: AnyMachineSnapshot, type: string): string | undefined {
  for (const node of snapshot._nodes) {
    for (const { guard } of node.transitions.get(type) ?? []) {
      if (typeof guard === 'string') return guard;
      if (typeof guard === 'object' && 'type' in guard) return String(guard.type);
      if (guard !== undefined) return guard.name;
    }
  }
  return undefined;
}

/** Stands in for a living actor; the library asks for one, nothing is ever sent to it. */
const inert = createActor(createMachine({}));

const scope = (actions: ExecutableActionObject[]): AnyActorScope => ({
  self: inert,
  system: inert.system,
  id: '',
  sessionId: '',
  logger: ignore,
  defer: ignore,
  emit: ignore,
  stopChild: ignore,
  actionExecutor: (action) => actions.push(action),
});

const ignore = (): void => undefined;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
