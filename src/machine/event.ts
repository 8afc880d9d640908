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

/** Builds an event whose data is parsed from its canonical JSON only if somebody reads it. */
export function machineEvent(
  type: string,
  json: string | null,
  actor: Actor,
  at: string,
): MachineEvent {
  return new LazyEvent(type, json, actor, at);
}

class LazyEvent implements MachineEvent {
  readonly type: string;
  readonly actor: Actor;
  readonly at: string;
  readonly #json: string | null;
  #data: unknown;

  constructor(type: string, json: string | null, actor: Actor, at: string) {
    this.type = type;
    this.actor = actor;
    this.at = at;
    this.#json = json;
  }

  get data(): unknown {
    if (this.#json === null) return undefined;
    this.#data ??= JSON.parse(this.#json);
    return this.#data;
  }
}
