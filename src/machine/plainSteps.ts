import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { stateNodes } from './checkMachine.ts';
import type { Accepted } from './step.ts';

/** Where a decision is kept from its first time on. */
export interface Slot {
  decision?: Accepted;
}

/**
 * Places for the decisions that follow from a state and an event's name alone. So most events of most
 * jobs cost a look-up, and jobs in one state share one snapshot.
 */
export interface PlainSteps {
  /** Undefined where more than state and event decides. */
  slotOf(snapshot: AnyMachineSnapshot, event: string): Slot | undefined;
  /** Undefined where the input has a say in the start. */
  readonly start: Slot | undefined;
}

/**
 * Only for a flat machine whose states do nothing by themselves (no entry, exit or eventless step, no
 * timer, no end), while its context is empty, and for events whose transitions have neither guard nor
 * action.
 */
export function createPlainSteps(machine: AnyStateMachine, events: readonly string[]): PlainSteps {
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
  const plain = isQuiet ? events.filter(isPlain) : [];
  const slots = new Map(
    nodes.map(({ key }) => [key, new Map(plain.map((event): [string, Slot] => [event, {}]))]),
  );
  const startsAlike =
    isQuiet && machine.config.context === undefined && machine.root.initial.actions.length === 0;
  return {
    slotOf: ({ value, context }, event) =>
      isEmpty(context as object) ? slots.get(value as string)?.get(event) : undefined,
    start: startsAlike ? {} : undefined,
  };
}

/** Fills a slot, if there is one, with what many jobs will share. */
export function keep(slot: Slot | undefined, decision: Accepted): Accepted {
  if (slot) {
    Object.freeze(decision.next.context);
    slot.decision = decision;
  }
  return decision;
}

const isEmpty = (context: object): boolean => Object.keys(context).length === 0;
