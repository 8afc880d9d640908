import { z } from 'zod';
import type { AnyMachineSnapshot } from 'xstate';
import type { Engine } from '../jobs/engine.ts';
import {
  viewAllowedEvents,
  viewDetails,
  viewEntryFacts,
  viewFacts,
  viewJob,
  type AllowedEventView,
  type JobView,
} from '../jobs/jobView.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import type { PlacedEntry } from '../jobs/request.ts';
import { openEvents } from '../machine/allowedEvents.ts';

/** An allowed event with the JSON Schema of its data. */
export interface WireAllowedEvent extends Omit<AllowedEventView, 'schema'> {
  readonly schema?: JsonSchema;
}
export interface WireJob extends Omit<JobView, 'allowedEvents'> {
  readonly allowedEvents: readonly WireAllowedEvent[];
}
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A job as it goes out. */
export const wireJob = ({ registry, now }: Engine, job: LiveJob): WireJob =>
  toWire(viewJob(registry, job, now()));

/**
 * The same as JSON text. Its data is text already, and what a state allows seldom changes: on the way of
 * every event, neither is taken apart to be put together again.
 */
export const jobJson = (engine: Engine, job: LiveJob): string =>
  `${JSON.stringify(viewFacts(job)).slice(0, -1)},"data":${job.data}${detailsJson(engine, job)},"allowedEvents":${allowedJson(engine, job)}}`;

/** An entry as JSON text. */
export const entryJson = (placed: PlacedEntry): string =>
  `${JSON.stringify(viewEntryFacts(placed)).slice(0, -1)},"data":${placed.entry.data ?? 'null'}}`;

function detailsJson({ registry }: Engine, job: LiveJob): string {
  const details = viewDetails(registry, job);
  return details ? `,"details":${JSON.stringify(details)}` : '';
}

/** What is allowed in a snapshot whatever the time; jobs in one plain state share a snapshot. */
const allowedIn = new WeakMap<AnyMachineSnapshot, string>();

function allowedJson({ registry, now }: Engine, job: LiveJob): string {
  const { snapshot, type, typeVersion } = job;
  const known = snapshot && allowedIn.get(snapshot);
  if (known !== undefined) return known;
  const text = JSON.stringify(viewAllowedEvents(registry, job, now()).map(wireEvent));
  const machine = registry.find(type, typeVersion);
  if (snapshot && machine && openEvents(machine, snapshot)) allowedIn.set(snapshot, text);
  return text;
}

export const toWire = (view: JobView): WireJob => ({
  ...view,
  allowedEvents: view.allowedEvents.map(wireEvent),
});

const wireEvent = ({ name, who, schema }: AllowedEventView): WireAllowedEvent => ({
  name,
  who,
  ...(schema && { schema: jsonSchemaOf(schema) }),
});

const known = new WeakMap<z.ZodType, JsonSchema>();

/** What a schema takes in, as JSON Schema 2020-12; what that cannot say is left open. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  let made = known.get(schema);
  if (!made) {
    // Without its dialect, which is that of the whole interface.
    const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
      io: 'input',
      unrepresentable: 'any',
    });
    made = rest;
    known.set(schema, made);
  }
  return made;
}
