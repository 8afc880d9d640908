import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { z } from 'zod';
import type { Actor } from '../../src/machine/actor.ts';
import { defineMachine, type MachineDefinition } from '../../src/machine/define.ts';
import { machineEvent } from '../../src/machine/event.ts';
import { createRegistry, type RegisteredMachine } from '../../src/machine/registry.ts';
import { persistSnapshot, restoreSnapshot } from '../../src/machine/snapshot.ts';
import { start, step, type Accepted, type Refused, type Timer } from '../../src/machine/step.ts';

export const admin: Actor = { kind: 'admin', id: 'ada' };
export const operator: Actor = { kind: 'operator', id: 'otto' };
export const system: Actor = { kind: 'system', id: 'timers' };
export const at = '2026-11-21T08:00:00.000Z';

/** Any object, or nothing. */
export const anyData = z.looseObject({}).optional();

/** A definition of a machine in which every named event takes any data. */
export const definitionOf = (machine: AnyStateMachine, events: string): MachineDefinition =>
  defineMachine({
    name: 'test',
    version: '1',
    machine,
    input: anyData,
    events: Object.fromEntries(events.split(' ').map((event) => [event, anyData])),
  });

/** The same, registered; `handlers` names the effects that somebody else handles. */
export const register = (
  machine: AnyStateMachine,
  events: string,
  handlers: readonly string[] = [],
): RegisteredMachine =>
  createRegistry([definitionOf(machine, events)], new Set(handlers)).get('test');

/** A job held by hand: each decision from the snapshot and the timers of the one before. */
export interface HeldJob {
  readonly snapshot: AnyMachineSnapshot;
  readonly timers: readonly Timer[];
}

export const begin = (registered: RegisteredMachine, input: unknown = {}): HeldJob =>
  held(start(registered, input, at));

/** Decides an event after the job went through JSON, as it does between two events. */
export function send(
  registered: RegisteredMachine,
  { snapshot, timers }: HeldJob,
  event: string,
  { data, actor = operator, time = at }: { data?: unknown; actor?: Actor; time?: string } = {},
): Accepted | Refused {
  const json = data === undefined ? null : JSON.stringify(data);
  return step(
    registered,
    throughJson(registered, snapshot),
    machineEvent(event, json, actor, time),
    timers,
  );
}

/** What the job has come to, or the refusal as an error. */
export function held(decision: Accepted | Refused): HeldJob {
  if (!decision.accepted) throw new Error(`${decision.reason}: ${decision.detail}`);
  return { snapshot: decision.next, timers: decision.timers };
}

/** The snapshot as it comes back from a database. */
export const throughJson = (
  { machine }: RegisteredMachine,
  snapshot: AnyMachineSnapshot,
): AnyMachineSnapshot =>
  restoreSnapshot(
    machine,
    JSON.parse(JSON.stringify(persistSnapshot(snapshot))) as ReturnType<typeof persistSnapshot>,
  );
