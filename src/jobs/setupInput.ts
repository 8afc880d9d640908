import { z } from 'zod';
import { InvalidData } from '../errors.ts';
import type { RegisteredMachine } from '../machine/registry.ts';
import { issuesOf } from './parseEvent.ts';

/** What a set-up is given. Unknown fields are refused. */
export interface SetupInput {
  /** Id of a registered pipeline. */
  readonly pipeline?: string | null | undefined;
  /** Documents the job belongs to: an id, a name, `<collection>:<id or name>`, or several. */
  readonly parents?: string | readonly string[] | null | undefined;
  /** Input of the machine; together with machine, pipeline and parents it is the job's identity. */
  readonly data?: Readonly<Record<string, unknown>> | null | undefined;
  readonly session?: string | null | undefined;
  readonly agent?: string | null | undefined;
  readonly task?: string | null | undefined;
  /** A virtual path below a managed prefix; without it one is made from the identity. */
  readonly archivePath?: string | null | undefined;
  /** Adds the session and the time to the path that is made. */
  readonly instanced?: boolean | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
  /** False sets up a new job, however many alike there are. Default: true. */
  readonly findExisting?: boolean | null | undefined;
}

const text = z
  .string()
  .min(1)
  .max(1_024)
  .refine(
    (value) => value.isWellFormed() && !value.includes('\0'),
    'a text without lone surrogates',
  );
const maybe = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined);

const schema = z.strictObject({
  pipeline: maybe(text),
  // A list is copied: it is resolved later than the caller may change it.
  parents: z.union([z.array(z.unknown()), z.unknown()]).optional(),
  data: z.unknown().optional(),
  session: maybe(text),
  agent: maybe(text),
  task: maybe(text),
  archivePath: maybe(z.unknown()),
  instanced: maybe(z.boolean()),
  tags: maybe(z.array(text).max(100)),
  findExisting: maybe(z.boolean()),
});

/** Checks the shape of a set-up; its data, parents and path are checked by those who know them. */
export function parseSetup(machine: RegisteredMachine, input: SetupInput) {
  const result = schema.safeParse(input);
  if (!result.success) throw new InvalidData('set-up', issuesOf(result.error, 'setup'));
  const given = result.data;
  if (given.pipeline === undefined && machine.definition.pipeline === 'required') {
    throw new InvalidData('set-up', [{ path: 'pipeline', message: 'pipeline_uuid is required' }]);
  }
  return given;
}
