import type { z } from 'zod';
import { InvalidData } from '../errors.ts';
import { jsonLimits, type JsonLimits } from '../machine/canonicalJson.ts';
import type { EventSchemas, MachineDefinition } from '../machine/define.ts';
import { takeEvent } from './parseEvent.ts';
import type { EventInput } from './request.ts';

type DataArguments<Schema extends z.ZodType> =
  undefined extends z.input<Schema> ? [data?: z.input<Schema> | null] : [data: z.input<Schema>];

/** The events that are methods: those of a machine that is known by its type. */
type EventNames<Events> = string extends keyof Events
  ? never
  : Exclude<keyof Events & string, 'reset' | 'delete'>;

/** A method an event of a machine; `reset` and `delete` are the whole actions, on the job itself. */
export type EventMethods<Events extends EventSchemas, Of extends Outcome> = {
  readonly [Name in EventNames<Events>]: (
    ...data: DataArguments<Events[Name]>
  ) => Chain<Events, Of>;
};

/**
 * Several events sent as one: accepted whole or refused whole, in one commit. Await it; it is sent
 * once, at the end of the running task.
 */
export type Chain<Events extends EventSchemas, Of extends Outcome> = ChainBase<Events, Of> &
  EventMethods<Events, Of>;

interface ChainBase<Events extends EventSchemas, Of extends Outcome> extends Promise<Of['is']> {
  /** Adds an event by name, under the same rules. */
  send(name: string, data?: unknown): Chain<Events, Of>;
}

/** Names what a chain resolves to; boxed, as a type that holds its own chains could not name itself. */
export interface Outcome {
  readonly is: unknown;
}

type Send<Result> = (events: readonly EventInput[]) => Promise<Result>;

/** Starts a chain on a machine. The events are in `send` when it is called. */
export function createChain<Events extends EventSchemas, Of extends Outcome>(
  definition: MachineDefinition<Events> | undefined,
  send: Send<Of['is']>,
  first: EventInput,
  limits = jsonLimits,
): Chain<Events, Of> {
  const chain = new EventChain(send, limits);
  chain.add(first);
  const methods = chain as unknown as Record<string, unknown>;
  for (const name of Object.keys(definition?.events ?? {})) {
    if (!isAction(name) && !(name in methods))
      methods[name] = (data?: unknown) => chain.add({ name, data });
  }
  // The methods were added one by one; the class itself knows only `send`.
  return chain as unknown as Chain<Events, Of>;
}

/** Actions of the job as a whole, which no chain holds. */
const isAction = (name: string): boolean => name === 'reset' || name === 'delete';

class EventChain<Result> implements Promise<Result> {
  readonly [Symbol.toStringTag] = 'Chain';
  readonly #events: EventInput[] = [];
  readonly #limits: JsonLimits;
  readonly #outcome: Promise<Result>;
  #isSent = false;
  /** What is wrong with the first event that could not be taken in. */
  #problem: Error | undefined;

  constructor(send: Send<Result>, limits: JsonLimits) {
    this.#limits = limits;
    this.#outcome = new Promise((resolve, reject) => {
      queueMicrotask(() => {
        this.#isSent = true;
        if (this.#problem === undefined) send(this.#events).then(resolve, reject);
        else reject(this.#problem);
      });
    });
  }

  send(name: string, data?: unknown): this {
    return this.add({ name, data });
  }

  /** Takes the data as it is now: what the caller changes later is not sent. */
  add(event: EventInput): this {
    if (this.#isSent) {
      const message = 'it has been sent; begin a new one on the job';
      throw new InvalidData('chain', [{ path: 'chain', message }]);
    }
    try {
      this.#events.push(takeEvent(event, this.#limits));
    } catch (error) {
      // Told to whoever awaits the chain, like every other refusal.
      this.#problem ??= error as Error;
    }
    return this;
  }

  then<A = Result, B = never>(
    onResolved?: ((value: Result) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#outcome.then(onResolved, onRejected);
  }

  catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<Result | B> {
    return this.#outcome.catch(onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<Result> {
    return this.#outcome.finally(onSettled);
  }
}
