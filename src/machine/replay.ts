import type { AnyMachineSnapshot } from 'xstate';
import type { Actor } from './actor.ts';
import { machineEvent } from './event.ts';
import { messageOf } from './fault.ts';
import type { RegisteredMachine } from './registry.ts';
import { start, step, type Timer } from './step.ts';

/** What a replay needs of a history entry. */
export interface ReplayEntry {
  readonly name: string;
  readonly operation?: string;
  /** Canonical JSON or null. */
  readonly data: string | null;
  readonly to: string | null;
  readonly actor: Actor;
  readonly at: Date;
}

export interface Replayed {
  readonly snapshot: AnyMachineSnapshot;
  readonly timers: readonly Timer[];
}

export type Replay =
  | ({ readonly ok: true } & Replayed)
  /** `index` of the entry that the machine does not accept, or that leads elsewhere than it says. */
  | { readonly ok: false; readonly index: number; readonly reason: string };

/**
 * Runs entries through the machine again, from nothing (then the first must be `create`) or from where
 * an earlier replay ended. Pure and total. Entries that are no events of the machine leave it as it is.
 */
export function replay(
  registered: RegisteredMachine,
  entries: readonly ReplayEntry[],
  from?: Replayed,
): Replay {
  let current = from;
  for (const [index, entry] of entries.entries()) {
    if (entry.operation !== 'create' && !current) return failed(index, 'no create entry before it');
    if (entry.operation !== undefined && !machineOperations.has(entry.operation)) continue;
    const next = replayOne(registered, entry, current);
    if (typeof next === 'string') return failed(index, next);
    current = next;
  }
  return current ? { ok: true, ...current } : failed(0, 'no entries');
}

/** Where one entry leads, or why it does not. */
function replayOne(
  registered: RegisteredMachine,
  entry: ReplayEntry,
  current: Replayed | undefined,
): Replayed | string {
  try {
    const at = entry.at.toISOString();
    const timers = current ? remainingTimers(current, entry) : [];
    const decision =
      entry.operation === 'create' || !current
        ? start(registered, entry.data === null ? {} : JSON.parse(entry.data), at)
        : step(registered, current.snapshot, eventOf(entry, at), timers);
    if (!decision.accepted) {
      // A timer that no longer leads anywhere is only ticked off.
      const idle = entry.operation === 'timer' && current && entry.to === decision.from;
      return idle ? { ...current, timers } : `${decision.reason} in ${decision.from}`;
    }
    if (decision.to !== entry.to) return `leads to ${decision.to}, not ${entry.to}`;
    return { snapshot: decision.next, timers: decision.timers };
  } catch (error) {
    return `the entry cannot be read: ${messageOf(error)}`;
  }
}

/** Operations that move the machine; all others only concern the job around it. */
const machineOperations = new Set(['create', 'timer']);

/** A fired timer is gone, whatever its event does. */
const remainingTimers = ({ timers }: Replayed, entry: ReplayEntry): readonly Timer[] =>
  entry.operation === 'timer' ? timers.filter(({ id }) => id !== timerOf(entry).id) : timers;

const eventOf = (entry: ReplayEntry, at: string) =>
  entry.operation === 'timer'
    ? machineEvent(timerOf(entry).event, null, entry.actor, at)
    : machineEvent(entry.name, entry.data, entry.actor, at);

const timerOf = (entry: ReplayEntry) =>
  JSON.parse(entry.data ?? '{}') as { id: string; event: string };

const failed = (index: number, reason: string): Replay => ({ ok: false, index, reason });
