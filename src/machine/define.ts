import type { AnyStateMachine } from 'xstate';
import type { z } from 'zod';
import { InvalidMachine } from '../errors.ts';
import { checkMachine } from './checkMachine.ts';
import type { EffectHandler } from './effect.ts';
import type { MachineEvent } from './event.ts';

/** Event name → zod schema of its data. */
export type EventSchemas = Readonly<Record<string, z.ZodType>>;

/** A machine with all that a job needs of it: under a name and a version, with its schemas. */
export interface MachineDefinition<
  Events extends EventSchemas = EventSchemas,
  Name extends string = string,
> {
  readonly name: Name;
  readonly version: string;
  /** An XState 5 machine; its `input` is the job's data. */
  readonly machine: AnyStateMachine;
  /** Schema of the data given at set-up. */
  readonly input: z.ZodType;
  readonly events: Events;
  /** Handlers of the machine's own actions, by name. */
  readonly effects?: Readonly<Record<string, EffectHandler>>;
  /** Whether a set-up must name a registered pipeline. Default: optional. */
  readonly pipeline?: 'required' | 'optional';
  /** One sentence for people. */
  readonly description?: string;
}

/** The union of a machine's events, for `setup({ types: { events: {} as EventsOf<typeof events> } })`. */
export type EventsOf<Events extends EventSchemas> = {
  [Name in keyof Events & string]: MachineEvent<Name, z.output<Events[Name]>>;
}[keyof Events & string];

/**
 * Declares a machine. Refuses with InvalidMachine, naming machine and state, what could not be run
 * durably: an event without a schema, a reserved event name, wildcards, inline guards and actions,
 * `invoke`, `spawnChild`, `sendTo`. That each action has a handler is checked at registration.
 */
export function defineMachine<const Name extends string, Events extends EventSchemas>(
  definition: MachineDefinition<Events, Name>,
): MachineDefinition<Events, Name> {
  const label = `${definition.name}@${definition.version}`;
  const problems = checkMachine(definition);
  if (problems.length > 0) throw new InvalidMachine(label, problems);
  return Object.freeze({ ...definition });
}
