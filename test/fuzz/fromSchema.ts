import { z } from 'zod';
import type { Draw } from './draw.ts';
import type { FuzzWorld } from './fuzzWorld.ts';
import { looseObject } from './hostile.ts';

interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
}

/** The JSON Schema of what a route takes in. */
export const readSchema = (schema: z.ZodType): Schema => {
  let known = schemas.get(schema);
  if (!known) {
    known = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
    schemas.set(schema, known);
  }
  return known;
};

const schemas = new WeakMap<z.ZodType, Schema>();

/** A value that a schema takes, most of the time; a member by its name where names say more than types. */
export function generate(draw: Draw, world: FuzzWorld, schema: Schema, name = ''): unknown {
  const made = byName[name];
  if (made && schema.type !== 'array' && draw.chance(0.9)) return made(draw, world);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return draw.pick(schema.enum);
  if (schema.anyOf) return generate(draw, world, draw.pick(schema.anyOf), name);
  switch (schema.type) {
    case 'object':
      return generateObject(draw, world, schema);
    case 'array': {
      const count = draw.below(4);
      const items = schema.items ?? {};
      return Array.from({ length: count }, () => generate(draw, world, items, singular[name]));
    }
    case 'string':
      return `text ${draw.below(1_000)}`;
    case 'integer':
    case 'number':
      return (schema.minimum ?? 0) + draw.below(100);
    case 'boolean':
      return draw.chance(0.5);
    case 'null':
      return null;
    case undefined:
    default:
      return looseObject(draw);
  }
}

function generateObject(draw: Draw, world: FuzzWorld, schema: Schema): Record<string, unknown> {
  const { properties, required = [] } = schema;
  if (!properties) return looseObject(draw);
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => required.includes(name) || name === 'pipeline' || draw.chance(0.3))
      .map(([name, each]) => [name, generate(draw, world, each, name)]),
  );
}

const singular: Readonly<Record<string, string>> = { events: 'event', tags: 'tag' };

export const eventNames = [
  ...['create', 'run', 'update', 'resource', 'fail', 'finish', 'index', 'indexed', 'validate'],
  ...['validated', 'reject', 'finalize', 'retire', 'reset', 'ready', 'RUN', 'delete', 'no-such'],
];

const statuses = ['RUNNING', 'FINISHED', 'failed', 'KILLED', 'STAGED', 'HEARTBEAT', 'no such'];

type Make = (draw: Draw, world: FuzzWorld) => unknown;

const byName: Readonly<Record<string, Make>> = {
  name: (draw) => draw.pick(eventNames),
  event: (draw) => draw.pick(eventNames),
  status: (draw) => draw.pick(statuses),
  type: (draw) => (draw.chance(0.9) ? 'pipelineJob' : 'noSuchMachine'),
  pipeline: (draw) => (draw.chance(0.9) ? draw.pick(['p1', 'p2']) : 'p9'),
  parents: (draw, { documentIds }) =>
    draw.pick<unknown>([null, [], `files:${draw.pick(documentIds)}`, [draw.pick(documentIds)]]),
  archivePath: (draw) => draw.pick([null, null, `/products/v2/a${draw.below(9)}`, 'a//b']),
  state: (draw) => draw.pick(['CREATED', 'RUNNING', 'FAILED', 'RESET', 'NOWHERE']),
  tag: (draw) => `tag${draw.below(5)}`,
  limit: (draw) => String(draw.pick([1, 2, 10, 20, 500, 501, 0])),
  after: (draw) => String(draw.below(12)),
  cursor: (draw, { cursors }) => (cursors.length > 0 ? draw.pick(cursors) : 'WyItY3JlYXRlZEF0Iiww'),
  sort: (draw) => draw.pick(['createdAt', '-createdAt']),
  lastEventId: (draw, { cursors }) => (cursors.length > 0 ? draw.pick(cursors) : '0'),
  uuid: (draw, { jobs }) => draw.pick(jobs).id,
  reason: (draw) => `because ${draw.below(100)}`,
  ttl: (draw) => draw.pick([1, 60, 3_600, 365 * 86_400, 1e12]),
};
