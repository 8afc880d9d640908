import type { Actor } from './actor.ts';

/**
 * An event as a machine sees it: guards and assignments read `data`, `actor` and `at`, never a clock
 * and never a token. `data` is what the entry stores, so a replay sees the very same.
 */
export interface MachineEvent<Name extends string = string, Data = unknown> {
  readonly type: Name;
  readonly data: Data;
  readonly actor: Actor;
  /** UTC ISO time at which the event is accepted. */
  readonly at: string;
}

/** Builds an event whose data and time are worked out from JSON and Date only if somebody reads them. */
export function machineEvent(
  type: string,
  json: string | null,
  actor: Actor,
  at: string | Date,
): MachineEvent {
  return new LazyEvent(type, json, actor, at);
}

class LazyEvent implements MachineEvent {
  readonly type: string;
  readonly actor: Actor;
  readonly #at: string | Date;
  readonly #json: string | null;
  #data: unknown;

  constructor(type: string, json: string | null, actor: Actor, at: string | Date) {
    this.type = type;
    this.actor = actor;
    this.#at = at;
    this.#json = json;
  }

  get at(): string {
    return typeof this.#at === 'string' ? this.#at : this.#at.toISOString();
  }

  get data(): unknown {
    if (this.#json === null) return undefined;
    this.#data ??= JSON.parse(this.#json);
    return this.#data;
  }
}
