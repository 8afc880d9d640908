import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { stateNodes } from './checkMachine.ts';

/**
 * Decisions that follow from a state and an event's name alone, kept from their first time on: at most
 * one a pair. So most events of most jobs cost a look-up, and jobs in one state share one snapshot.
 */
export interface PlainSteps<Decision> {
  /** Under which a decision is kept; undefined where more than state and event decides. */
  keyOf(snapshot: AnyMachineSnapshot, event: string): string | undefined;
  /** Under which the start is kept; undefined where the input has a say in it. */
  readonly startKey: string | undefined;
  readonly known: Map<string, Decision>;
}

/**
 * Only for a flat machine whose states do nothing by themselves (no entry, exit or eventless step, no
 * timer, no end), only while its context is empty, only for events whose transitions have neither guard
 * nor action.
 */
export function createPlainSteps<Decision>(
  machine: AnyStateMachine,
  events: readonly string[],
): PlainSteps<Decision> {
  const nodes = stateNodes(machine);
  const isQuiet = nodes.every(
    (node) =>
      node.type === (node.parent ? 'atomic' : 'compound') &&
      [...node.entry, ...node.exit, ...(node.always ?? [])].length === 0 &&
      [...node.transitions.keys()].every((event) => events.includes(event)),
  );
  const isPlain = (event: string): boolean =>
    nodes
      .flatMap(({ transitions }) => transitions.get(event) ?? [])
      .every(({ guard, actions }) => guard === undefined && actions.length === 0);
  const plain = new Set(isQuiet ? events.filter(isPlain) : []);
  const startsAlike =
    isQuiet && machine.config.context === undefined && machine.root.initial.actions.length === 0;
  return {
    keyOf: ({ value, context }, event) =>
      plain.has(event) && Object.keys(context as object).length === 0
        ? `${value as string} ${event}`
        : undefined,
    startKey: startsAlike ? '' : undefined,
    known: new Map(),
  };
}
