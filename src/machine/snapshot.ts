import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, StateValue } from 'xstate';
import { stateNodes } from './checkMachine.ts';

/** A snapshot as plain JSON: where the machine is, what it remembers. */
export interface PersistedSnapshot {
  readonly value: StateValue;
  readonly context: Readonly<Record<string, unknown>>;
  readonly status: 'active' | 'done';
  /** Ids of the states that history states lead back to. */
  readonly history?: Readonly<Record<string, readonly string[]>>;
}

export function persistSnapshot(snapshot: AnyMachineSnapshot): PersistedSnapshot {
  const history = Object.entries(snapshot.historyValue as Record<string, { id: string }[]>);
  return {
    value: snapshot.value as StateValue,
    context: snapshot.context as Record<string, unknown>,
    status: snapshot.status === 'done' ? 'done' : 'active',
    ...(history.length > 0 && {
      history: Object.fromEntries(history.map(([id, nodes]) => [id, nodes.map((node) => node.id)])),
    }),
  };
}

export function restoreSnapshot(
  machine: AnyStateMachine,
  persisted: PersistedSnapshot,
): AnyMachineSnapshot {
  const { value, context, status, history } = persisted;
  const historyValue = history === undefined ? {} : resolveHistory(machine, history);
  return inDocumentOrder(machine.resolveState({ value, context, status, historyValue }));
}

/**
 * The same snapshot exactly as it comes back from storage, so that a live, a restored and a replayed
 * job go on alike. The library keeps the active states in the order of entry, takes parallel and
 * eventless transitions in that order, and loses a state whose history is targeted from inside it: no
 * stored snapshot can tell any of that.
 */
export function asRestored(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  const nodes: readonly AnyStateNode[] = snapshot._nodes;
  if (isOrdered(nodes) && isWhole(nodes)) return snapshot;
  const { machine, status, historyValue } = snapshot;
  const value = snapshot.value as StateValue;
  const context: unknown = snapshot.context;
  const whole = (machine as AnyStateMachine).resolveState({ value, context, status, historyValue });
  return inDocumentOrder(whole);
}

const isOrdered = (nodes: readonly AnyStateNode[]): boolean =>
  nodes.every((node, index) => (nodes[index - 1]?.order ?? -1) < node.order);

/** Whether every active state has its parent, and the active children that it must have. */
function isWhole(nodes: readonly AnyStateNode[]): boolean {
  const here = new Set(nodes);
  return nodes.every(({ parent, type, states }) => {
    const children = Object.values(states as Record<string, AnyStateNode>);
    const active = children.filter((child) => here.has(child)).length;
    if (parent && !here.has(parent)) return false;
    if (type === 'compound') return active === 1;
    return active === children.filter((child) => child.type !== 'history').length;
  });
}

function inDocumentOrder(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  const nodes: readonly AnyStateNode[] = snapshot._nodes;
  if (isOrdered(nodes)) return snapshot;
  return {
    ...snapshot,
    _nodes: nodes.toSorted((one, other) => one.order - other.order),
    value: orderedValue(snapshot.machine.root as AnyStateNode, snapshot.value as StateValue),
  } as AnyMachineSnapshot;
}

function orderedValue(node: AnyStateNode, value: StateValue): StateValue {
  if (typeof value === 'string') return value;
  const children = Object.entries(node.states as Record<string, AnyStateNode>);
  return Object.fromEntries(
    children.flatMap(([key, child]) => {
      const inner = value[key];
      return inner === undefined ? [] : [[key, orderedValue(child, inner)]];
    }),
  );
}

function resolveHistory(
  machine: AnyStateMachine,
  history: NonNullable<PersistedSnapshot['history']>,
): Record<string, AnyStateNode[]> {
  // The library's own look-up by id takes a dot in an id for a step down.
  const byId = new Map(stateNodes(machine).map((node) => [node.id, node]));
  const find = (id: string) => byId.get(id) ?? machine.getStateNodeById(`#${id}`);
  return Object.fromEntries(Object.entries(history).map(([id, ids]) => [id, ids.map(find)]));
}

/** The dotted active state: `review.legal`; the parts of a parallel state are joined by `|`. */
export function stateOf(value: StateValue): string {
  return typeof value === 'string' ? value : leaves(value, '').join('|');
}

/** The dotted ids of all active states, outermost first. */
export function statesOf(value: StateValue): readonly string[] {
  if (typeof value === 'string') return [value];
  return Object.entries(value).flatMap(([key, child]) => [
    key,
    ...(child === undefined ? [] : statesOf(child).map((state) => `${key}.${state}`)),
  ]);
}

function leaves(value: StateValue, prefix: string): string[] {
  if (typeof value === 'string') return [`${prefix}${value}`];
  return Object.entries(value).flatMap(([key, child]) =>
    child === undefined || (typeof child === 'object' && Object.keys(child).length === 0)
      ? [`${prefix}${key}`]
      : leaves(child, `${prefix}${key}.`),
  );
}
