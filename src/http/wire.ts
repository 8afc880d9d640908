import { z } from 'zod';
import type { Engine } from '../jobs/engine.ts';
import { viewJob, type AllowedEventView, type JobView } from '../jobs/jobView.ts';
import type { LiveJob } from '../jobs/liveJob.ts';

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

export const toWire = (view: JobView): WireJob => ({
  ...view,
  allowedEvents: view.allowedEvents.map(({ name, who, schema }) => ({
    name,
    who,
    ...(schema && { schema: jsonSchemaOf(schema) }),
  })),
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
