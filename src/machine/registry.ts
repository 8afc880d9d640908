import type { AnyStateMachine } from 'xstate';
import { InvalidMachine, UnknownMachine } from '../errors.ts';
import {
  actionName,
  checkMachine,
  guardNames,
  isForbidden,
  rootState,
  stateActions,
  stateId,
  stateNodes,
} from './checkMachine.ts';
import type { MachineDefinition } from './define.ts';
import { createPlainSteps, type PlainSteps } from './plainSteps.ts';

/** A registered machine with what is asked of it again and again already worked out. */
export interface RegisteredMachine {
  readonly name: string;
  readonly version: string;
  readonly definition: MachineDefinition;
  readonly machine: AnyStateMachine;
  /** The machine's own spelling of each event name, by its lower-case form. */
  readonly eventNames: ReadonlyMap<string, string>;
  /** Events that no transition lets anybody but an admin send. */
  readonly adminEvents: ReadonlySet<string>;
  /** The one state an event leads to, for events that lead to only one. */
  readonly onlyTarget: ReadonlyMap<string, string>;
  readonly plainSteps: PlainSteps;
}

export interface Registry {
  /** The newest registered version of a name, or one version. Throws UnknownMachine. */
  get(name: string, version?: string): RegisteredMachine;
  /** The same without throwing: jobs of a machine that is gone are still shown. */
  find(name: string, version: string): RegisteredMachine | undefined;
  /** All, in the order of registration. */
  list(): readonly RegisteredMachine[];
}

/**
 * Registers definitions. Refuses with InvalidMachine what defineMachine refuses, two of one
 * `name@version`, and an action that has neither a handler of its definition nor one among `handlers`.
 * The last registered version of a name is the one new jobs get.
 */
export function createRegistry(
  definitions: readonly MachineDefinition[],
  handlers: ReadonlySet<string> = new Set(),
): Registry {
  const byVersion = new Map<string, RegisteredMachine>();
  const newest = new Map<string, RegisteredMachine>();
  for (const definition of definitions) {
    const label = `${definition.name}@${definition.version}`;
    if (byVersion.has(label)) throw new InvalidMachine(label, ['registered twice']);
    refuse(label, checkMachine(definition));
    refuse(label, handlerProblems(definition, handlers));
    const registered = register(definition);
    byVersion.set(label, registered);
    newest.set(definition.name, registered);
  }
  const get = (name: string, version?: string): RegisteredMachine => {
    const found = version === undefined ? newest.get(name) : byVersion.get(`${name}@${version}`);
    if (found) return found;
    const known = version === undefined ? newest.keys() : byVersion.keys();
    throw new UnknownMachine(version === undefined ? name : `${name}@${version}`, [...known]);
  };
  return {
    get,
    find: (name, version) => byVersion.get(`${name}@${version}`),
    list: () => [...byVersion.values()],
  };
}

function refuse(label: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new InvalidMachine(label, problems);
}

function handlerProblems(definition: MachineDefinition, handlers: ReadonlySet<string>): string[] {
  const own = definition.effects ?? {};
  return stateNodes(definition.machine).flatMap((node) =>
    stateActions(node).flatMap((action) => {
      const name = actionName(action);
      if (name === undefined || name.startsWith('xstate.')) return [];
      const implementation = definition.machine.implementations.actions[name];
      // A named assign resolves into the snapshot and asks for no effect.
      if (typeof implementation === 'function' && 'type' in implementation) return [];
      if (Object.hasOwn(own, name) || handlers.has(name)) return [];
      return [`state ${stateId(node)}: action ${name} has no handler in effects`];
    }),
  );
}

function register(definition: MachineDefinition): RegisteredMachine {
  const { name, version, machine, events } = definition;
  // Without a limit a circle of eventless or raised transitions would hang the process; with one it is
  // a fault. The library takes it from the machine alone.
  if (machine.options.maxIterations === Infinity) machine.options.maxIterations = 1000;
  const names = Object.keys(events);
  const targets = eventTargets(machine);
  return {
    name,
    version,
    definition,
    machine,
    eventNames: new Map(names.map((event) => [event.toLowerCase(), event])),
    plainSteps: createPlainSteps(machine, names),
    adminEvents: new Set(names.filter((event) => isAdminOnly(machine, event))),
    onlyTarget: new Map(
      [...targets].flatMap(([event, states]) => {
        const [only, ...others] = [...states];
        const isState = only !== undefined && only !== rootState;
        return isState && others.length === 0 ? [[event, only] as const] : [];
      }),
    ),
  };
}

/** Event → the states it leads to from anywhere; without a target it stays where it is. */
function eventTargets(machine: AnyStateMachine): Map<string, Set<string>> {
  const targets = new Map<string, Set<string>>();
  for (const node of stateNodes(machine)) {
    for (const [event, transitions] of node.transitions) {
      const states = targets.get(event) ?? new Set<string>();
      targets.set(event, states);
      for (const { target } of transitions.filter((each) => !isForbidden(each))) {
        for (const state of target ?? [node]) states.add(stateId(state));
      }
    }
  }
  return targets;
}

/** `isAdmin` is the one guard name with a meaning of its own: who lacks it is told AdminRequired. */
function isAdminOnly(machine: AnyStateMachine, event: string): boolean {
  const transitions = stateNodes(machine)
    .flatMap((node) => node.transitions.get(event) ?? [])
    .filter((transition) => !isForbidden(transition));
  return (
    transitions.length > 0 &&
    transitions.every(({ guard }) => guardNames(guard).includes('isAdmin'))
  );
}
