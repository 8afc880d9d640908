import type { z } from 'zod';
import { InvalidData, UnknownEvent, type DataIssue } from '../errors.ts';
import { canonicalJson, type JsonLimits } from '../machine/canonicalJson.ts';
import type { RegisteredMachine } from '../machine/registry.ts';
import type { EventInput, TakenEvent } from './request.ts';

/** An event under the machine's own name, its data as the schema wants it. */
export interface ParsedEvent {
  readonly name: string;
  /** Canonical JSON or null. */
  readonly json: string | null;
}

/**
 * Takes an event's data as it is at this moment; one that was taken before stays as it was then. Throws
 * InvalidData for what JSON would change.
 */
export function takeEvent(event: EventInput, limits: JsonLimits): TakenEvent {
  if (event instanceof Taken) return event;
  const { name, data } = event;
  if (data === undefined || data === null) return new Taken(name, null);
  const json = canonicalJson(data, limits);
  if (!json.ok) throw new InvalidData(`data of event ${String(name).slice(0, 64)}`, json.issues);
  return new Taken(name, json.text);
}

/** Only this file makes one, so no caller's object passes for it. */
class Taken implements TakenEvent {
  readonly name: unknown;
  readonly json: string | null;

  constructor(name: unknown, json: string | null) {
    this.name = name;
    this.json = json;
  }
}

/**
 * Finds the event by its name, whatever its case, and parses its data. Throws UnknownEvent for every
 * other name, reserved ones included, and InvalidData for what the event's schema refuses.
 */
export function parseEvent(
  machine: RegisteredMachine,
  { name, json }: TakenEvent,
  limits: JsonLimits,
): ParsedEvent {
  const known = typeof name === 'string' ? machine.eventNames.get(name.toLowerCase()) : undefined;
  const schema = known === undefined ? undefined : machine.definition.events[known];
  if (known === undefined || !schema)
    throw new UnknownEvent(name, [...machine.eventNames.values()]);
  return { name: known, json: parseJson(schema, json, limits, `data of event ${known}`).json };
}

/**
 * What a schema makes of data given as canonical JSON: the same text where it let everything pass as it
 * was, else the canonical JSON of what it made; null for nothing. Throws InvalidData, named by `subject`.
 */
export function parseJson(
  schema: z.ZodType,
  json: string | null,
  limits: JsonLimits,
  subject: string,
): { json: string | null; data: unknown } {
  const given: unknown = json === null ? undefined : JSON.parse(json);
  const result = schema.safeParse(given);
  if (!result.success) throw new InvalidData(subject, issuesOf(result.error, 'data'));
  const { data } = result;
  if (data === undefined || data === null) return { json: null, data: null };
  if (isUnchanged(given, data)) return { json, data };
  const made = canonicalJson(data, limits);
  if (!made.ok) throw new InvalidData(subject, made.issues);
  return { json: made.text, data: JSON.parse(made.text) };
}

/** Whether an object has the very members of another; what a schema makes anew counts as changed. */
function isUnchanged(before: unknown, after: unknown): boolean {
  if (before === after) return true;
  if (!isPlain(before) || !isPlain(after)) return false;
  const keys = Object.keys(before);
  return (
    keys.length === Object.keys(after).length &&
    keys.every((key) => Object.hasOwn(after, key) && after[key] === before[key])
  );
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The issues of a schema's error, each under its path. */
export function issuesOf(
  error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] },
  root: string,
): DataIssue[] {
  return error.issues.map(({ path, message }) => ({ path: [root, ...path].join('.'), message }));
}
