import type { AnyMachineSnapshot, AnyStateMachine, StateValue } from 'xstate';

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
  const historyValue = Object.fromEntries(
    Object.entries(history ?? {}).map(([id, ids]) => [
      id,
      ids.map((node) => machine.getStateNodeById(`#${node}`)),
    ]),
  );
  // The library types the configuration by the machine's own state value, which is not known here.
  return machine.resolveState({ value, context, status, historyValue } as never);
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
