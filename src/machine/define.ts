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
  /** Keys of the data that are no part of a job's identity. */
  readonly incidental?: readonly string[];
  /** The resolved parents stand in the job's data as `parents`, so that the machine can name them. */
  readonly knowsParents?: boolean;
  /** What concerns workers about a job as it is now. Pure; absent: no worker ever claims one. */
  readonly work?: (job: WorkView) => Work;
  /** What people are shown of what it remembers, as `details` of the job: plain JSON. Pure; absent: nothing. */
  readonly details?: (job: WorkView) => Readonly<Record<string, unknown>>;
  /**
   * Dotted states in which a parent takes such a job for ended. Absent: the final states of the machine, all
   * of them good ends; children that never end are not waited for.
   */
  readonly ends?: { readonly well: readonly string[]; readonly badly: readonly string[] };
  /** One sentence for people. */
  readonly description?: string;
}

/** What `work` and `details` are asked about. */
export interface WorkView {
  /** The dotted active state. */
  readonly state: string;
  readonly context: object;
}

/** Where a job stands between workers: in the queue, or with one of them, or neither. */
export interface Work {
  readonly queue?: QueuePlace;
  readonly lease?: Lease;
}

/** A place in the queue: by tag, then the higher priority, then the older job. */
export interface QueuePlace {
  readonly tag: string;
  readonly priority: number;
  /** Programs that a worker must have. */
  readonly needs: readonly string[];
  /** Not to be claimed before (UTC ISO). */
  readonly readyAt: string | null;
}

/** Who has a job: under the epoch of its newest claim, since when (UTC ISO). */
export interface Lease {
  readonly worker: string;
  readonly epoch: number;
  readonly since: string;
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
