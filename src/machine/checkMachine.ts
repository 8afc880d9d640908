import type { AnyStateMachine, AnyStateNode } from 'xstate';
import type { MachineDefinition } from './define.ts';

const namePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/;

/** Names that mean something on a promise, on every object, or on a job handle itself. */
const reservedEvents = new Set(
  `then catch finally constructor prototype toString valueOf toJSON hasOwnProperty isPrototypeOf
   propertyIsEnumerable toLocaleString id type typeVersion state states version token callbackUrl
   archivePath archiveDirectory data links tags context history allowedEvents send sendAll refresh
   view cancelJob issueToken revokeTokens`
    .split(/\s+/)
    .map((name) => name.toLowerCase()),
);

/** Built-in actions that would start or reach actors, which no process is there to hold. */
export const refusedBuiltIns: ReadonlySet<string> = new Set([
  'xstate.spawnChild',
  'xstate.sendTo',
  'xstate.stopChild',
  'xstate.emit',
]);
/** Built-in actions that only change the snapshot or its timers. */
const pureBuiltIns = new Set([
  'xstate.assign',
  'xstate.raise',
  'xstate.cancel',
  'xstate.log',
  'xstate.enqueueActions',
]);

/** All that is wrong with a definition, each with the state where it was found; empty when it is fine. */
export function checkMachine(definition: MachineDefinition): readonly string[] {
  const { name, version, machine, input, events } = definition;
  const problems: string[] = [];
  if (typeof name !== 'string' || !namePattern.test(name))
    problems.push(`name ${JSON.stringify(name)} must match ${namePattern.source}`);
  if (typeof version !== 'string' || !versionPattern.test(version)) {
    problems.push(`version ${JSON.stringify(version)} must be a text like "1" or "1.2.0"`);
  }
  if (!isSchema(input)) problems.push('input must be a zod schema of the data given at set-up');
  if (!isMachine(machine)) return [...problems, 'machine must be an XState 5 machine'];
  if (!isRecord(events)) return [...problems, 'events must map each event to its zod schema'];
  problems.push(...checkEventNames(events), ...twinIds(machine));
  for (const node of stateNodes(machine)) {
    const found = [...nodeProblems(node, events), ...actionProblems(node), ...guardProblems(node)];
    problems.push(...found.map((problem) => `state ${stateId(node)}: ${problem}`));
  }
  return problems;
}

/** Every state node, the root first. */
export function stateNodes(machine: AnyStateMachine): AnyStateNode[] {
  const below = (node: AnyStateNode): AnyStateNode[] => [
    node,
    ...Object.values(node.states as Record<string, AnyStateNode>).flatMap(below),
  ];
  return below(machine.root as AnyStateNode);
}

/** How the machine as a whole is called among its states. */
export const rootState = '(root)';

/** A state's dotted id inside its machine, or `(root)`. */
export const stateId = (node: AnyStateNode): string => node.path.join('.') || rootState;

/** Every action a state may execute, with inline ones as functions. */
export function stateActions(node: AnyStateNode): unknown[] {
  const transitions = [...node.transitions.values()].flat().concat(node.always ?? []);
  const initial = node.config.initial === undefined ? [] : (node.initial?.actions ?? []);
  return [...node.entry, ...node.exit, ...initial, ...transitions.flatMap((each) => each.actions)];
}

/** The name of an action that is neither inline nor built in. */
export function actionName(action: unknown): string | undefined {
  if (typeof action === 'string') return action;
  if (typeof action === 'object' && action !== null && 'type' in action) return String(action.type);
  return undefined;
}

/** Names of the guards that all have to pass: of `and`, each; of `or` and `not`, none for certain. */
export function guardNames(guard: unknown): string[] {
  if (typeof guard === 'function') {
    const { guards } = guard as { guards?: readonly unknown[] };
    return guards && guard.name.startsWith('and') ? guards.flatMap(guardNames) : [];
  }
  const name = actionName(guard);
  return name === undefined ? [] : [name];
}

/** Whether a transition is `{}`: not a step to nowhere, but the state's refusal of the event. */
export const isForbidden = ({
  target,
  actions,
}: {
  readonly target: unknown;
  readonly actions: readonly unknown[];
}): boolean => target === undefined && actions.length === 0;

const isRecord = (value: unknown): value is object => typeof value === 'object' && value !== null;

const isSchema = (value: unknown): boolean => isRecord(value) && 'safeParse' in value;

const isMachine = (value: unknown): value is AnyStateMachine =>
  isRecord(value) && 'root' in value && 'getTransitionData' in value;

/** Timers and history are kept by the library's id of a state. */
function twinIds(machine: AnyStateMachine): string[] {
  const ids = stateNodes(machine).map(({ id }) => id);
  const twins = ids.filter((id, index) => ids.indexOf(id) !== index);
  return [...new Set(twins)].map((id) => `state id ${id} is used twice`);
}

function checkEventNames(events: MachineDefinition['events']): string[] {
  const seen = new Map<string, string>();
  return Object.entries(events).flatMap(([event, schema]) => {
    const lower = event.toLowerCase();
    const twin = seen.get(lower);
    seen.set(lower, event);
    if (reservedEvents.has(lower)) return [`event ${event}: the name is reserved`];
    if (!namePattern.test(event))
      return [`event ${JSON.stringify(event)}: must match ${namePattern.source}`];
    if (twin !== undefined) return [`events ${twin} and ${event} differ only in case`];
    return isSchema(schema) ? [] : [`event ${event} has no zod schema`];
  });
}

function nodeProblems(node: AnyStateNode, events: MachineDefinition['events']): string[] {
  const problems = node.invoke.map(() => 'invoke needs a living actor; use an effect');
  for (const event of node.transitions.keys()) {
    if (event === '' || event.startsWith('xstate.')) continue;
    if (event.includes('*'))
      problems.push(`event ${event}: wildcards take in events without a schema`);
    else if (!Object.hasOwn(events, event)) problems.push(`event ${event} has no schema in events`);
  }
  return problems;
}

function actionProblems(node: AnyStateNode): string[] {
  return stateActions(node).flatMap((action) => {
    if (typeof action === 'function')
      return [...inlineProblem(action), ...delayProblem(node, action)];
    const name = actionName(action);
    const implementation: unknown = name && node.machine.implementations.actions[name];
    const builtIn = builtInType(implementation);
    return builtIn && refusedBuiltIns.has(builtIn)
      ? [`action ${name} is ${builtIn}, which needs a living actor; use an effect`]
      : delayProblem(node, implementation);
  });
}

/** Without an implementation the library would raise the event at once; `after` is such a raise too. */
function delayProblem(node: AnyStateNode, action: unknown): string[] {
  if (builtInType(action) !== 'xstate.raise') return [];
  const { delay } = action as { delay?: unknown };
  return typeof delay !== 'string' || Object.hasOwn(node.machine.implementations.delays, delay)
    ? []
    : [`delay ${delay} has no implementation in setup({ delays })`];
}

function inlineProblem(action: object): string[] {
  const builtIn = builtInType(action);
  if (builtIn && pureBuiltIns.has(builtIn)) return [];
  if (builtIn) return [`${builtIn} needs a living actor; use an effect`];
  return ['an inline action has no name; name it in setup({ actions }) and in effects'];
}

const builtInType = (action: unknown): string | undefined =>
  typeof action === 'function' && 'type' in action ? String(action.type) : undefined;

function guardProblems(node: AnyStateNode): string[] {
  const transitions = [...node.transitions.values()].flat().concat(node.always ?? []);
  return transitions.flatMap(({ guard }) => (guard === undefined ? [] : guardProblem(node, guard)));
}

function guardProblem(node: AnyStateNode, guard: unknown): string[] {
  if (typeof guard === 'function') {
    const composite = guard as { check?: unknown; guards?: readonly unknown[] };
    if (!composite.check) return ['an inline guard has no name; name it in setup({ guards })'];
    return (composite.guards ?? []).flatMap((inner) => guardProblem(node, inner));
  }
  const name = actionName(guard);
  return name !== undefined && Object.hasOwn(node.machine.implementations.guards, name)
    ? []
    : [`guard ${name} has no implementation in setup({ guards })`];
}
