import type { z } from 'zod';
import type { AnyStateNode } from 'xstate';
import type { ActorKind } from './actor.ts';
import { isForbidden, stateId, stateNodes } from './checkMachine.ts';
import { mermaid } from './diagram.ts';
import type { RegisteredMachine } from './registry.ts';

/** A machine as data, for whoever does not hold its definition. */
export interface MachineDescription {
  /** The state that a new job is in, dotted. */
  readonly initial: string;
  readonly states: readonly {
    readonly name: string;
    readonly type: string;
    /** Events that the state itself, or one around it, has a transition for. */
    readonly events: readonly string[];
  }[];
  readonly events: readonly {
    readonly name: string;
    /** Kinds of actors that may ever send it; a guard can say no for other reasons. */
    readonly who: readonly ActorKind[];
    readonly schema?: z.ZodType;
  }[];
  readonly mermaid: string;
}

const senders: readonly ActorKind[] = ['job', 'worker', 'operator', 'admin', 'system'];

export function describeMachine(machine: RegisteredMachine): MachineDescription {
  const { definition, eventNames, adminEvents } = machine;
  const nodes = stateNodes(machine.machine).filter(({ parent }) => parent !== undefined);
  return {
    initial: initialOf(machine.machine.root as AnyStateNode),
    states: nodes.map((node) => ({
      name: stateId(node),
      type: node.type,
      events: [...eventNames.values()].filter((event) => hasEvent(node, event)),
    })),
    events: [...eventNames.values()].map((name) => {
      const schema = definition.events[name];
      const who = adminEvents.has(name) ? (['admin'] as const) : senders;
      return { name, who, ...(schema && { schema }) };
    }),
    mermaid: mermaid(definition),
  };
}

function initialOf(root: AnyStateNode): string {
  let node = root;
  while (node.type === 'compound') {
    const [first] = node.initial.target;
    if (!first) break;
    node = first;
  }
  return stateId(node);
}

function hasEvent(node: AnyStateNode, event: string): boolean {
  for (let at: AnyStateNode | undefined = node; at; at = at.parent) {
    if (at.transitions.get(event)?.some((transition) => !isForbidden(transition))) return true;
  }
  return false;
}
