import { describe, expect, it } from 'vitest';
import { openApiOf } from '../../src/http/openApi.ts';
import { pathParameters } from '../../src/http/path.ts';
import { routes } from '../../src/http/routes/index.ts';
import { httpWorld } from './world.ts';

const world = httpWorld();

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: unknown;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Record<string, unknown>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, { schema: unknown }> };
  readonly responses: Record<
    string,
    { description: string; content?: Record<string, { schema?: unknown }> }
  >;
}
interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: {
    readonly schemas: Record<string, unknown>;
    readonly securitySchemes: Record<string, { type: string }>;
  };
}

// As it goes over the wire: nothing in it that JSON would drop.
const document = JSON.parse(JSON.stringify(openApiOf())) as Document;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    route: `${method.toUpperCase()} ${path}`,
    path,
    operation,
  })),
);

/** Every object in a document, with the place where it stands. */
function* objectsIn(value: unknown, place = '#'): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [place, value as Record<string, unknown>];
  for (const [name, member] of Object.entries(value)) {
    yield* objectsIn(member, `${place}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
}

function resolve(reference: string): unknown {
  const [root, ...names] = reference.split('/');
  if (root !== '#') return undefined;
  return names
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Record<string, unknown>)[name]
          : undefined,
      document,
    );
}

describe('the document', () => {
  it('is what the service gives out', async () => {
    const answer = await world.ask('GET', '/openapi.json');
    expect(answer.body).toEqual(document);
  });

  it('is of version 3.1 and tells what it is', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    expect(Object.keys(document).sort()).toEqual([
      'components',
      'info',
      'openapi',
      'paths',
      'servers',
    ]);
    expect([document.info.title, document.info.version]).toEqual(['jobwright', 'v1']);
  });

  it('names the routes of the table, and no other', () => {
    expect(operations.map(({ route }) => route).sort()).toEqual(
      routes.map(({ method, path }) => `${method} ${path}`).sort(),
    );
  });

  it('refers to nothing that is not there', () => {
    const references = [...objectsIn(document)].flatMap(([place, { $ref }]) =>
      typeof $ref === 'string' ? [{ place, $ref }] : [],
    );
    expect(references.length).toBeGreaterThan(50);
    expect(references.filter(({ $ref }) => resolve($ref) === undefined)).toEqual([]);
    const used = new Set(references.map(({ $ref }) => $ref.split('/').at(-1)));
    expect(Object.keys(document.components.schemas).filter((name) => !used.has(name))).toEqual([]);
  });

  it('gives each schema one name, so that plain data is not called something else', () => {
    const { Job, Callback, Document } = document.components.schemas as Record<
      string,
      { properties?: { data?: Record<string, unknown> } }
    >;
    expect(Job?.properties?.data).not.toHaveProperty('$ref');
    expect([Callback, Document].map((schema) => typeof schema)).toEqual(['object', 'object']);
  });

  it('has schemas that stand for themselves, in the dialect of 3.1', () => {
    const types = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'];
    for (const [place, schema] of objectsIn(document.components.schemas, '#/components/schemas')) {
      const isProperties =
        /\/(properties|patternProperties|\$defs)$/.test(place) || place.endsWith('/schemas');
      if (isProperties) continue;
      expect(Object.keys(schema), place).not.toContain('$schema');
      expect(Object.keys(schema), place).not.toContain('nullable');
      const { type } = schema;
      if (typeof type === 'string') expect(types, place).toContain(type);
      if (Array.isArray(schema['required'])) {
        const known = Object.keys(schema['properties'] ?? {});
        for (const name of schema['required'] as string[]) expect(known, place).toContain(name);
      }
    }
    for (const name of Object.keys(document.components.schemas)) {
      expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
    }
  });
});

describe('each operation', () => {
  it('has an id of its own, which names a function well', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z0-9]+$/);
  });

  it.each(operations)('$route declares its parameters, each once', ({ path, operation }) => {
    const { parameters = [] } = operation;
    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    expect(inPath.map(({ name }) => name)).toEqual(pathParameters(path));
    expect(inPath.every(({ required }) => required === true)).toBe(true);
    const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
    expect(new Set(names).size).toBe(names.length);
    for (const parameter of parameters) {
      expect(['path', 'query', 'header']).toContain(parameter.in);
      expect(parameter.schema).toBeTypeOf('object');
      // These are said by the security schemes and the contents.
      expect(['accept', 'content-type', 'authorization']).not.toContain(
        parameter.name.toLowerCase(),
      );
    }
  });

  it.each(operations)('$route tells what it answers', ({ operation }) => {
    expect(operation.summary).toMatch(/^[A-Z]/);
    expect(operation.tags).toHaveLength(1);
    const statuses = Object.keys(operation.responses);
    expect(statuses.some((status) => status.startsWith('2'))).toBe(true);
    for (const [status, response] of Object.entries(operation.responses)) {
      expect(status).toMatch(/^[2-5]\d\d$/);
      expect(response.description).toMatch(/./);
      const types = Object.keys(response.content ?? {});
      expect(types).toHaveLength(1);
      const isOwn = status.startsWith('2') || types[0] === 'application/json';
      if (!isOwn) {
        expect(response.content).toEqual({
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        });
      }
    }
  });

  it.each(operations)('$route says how its caller is known', ({ path, operation }) => {
    const schemes = Object.keys(document.components.securitySchemes);
    const names = operation.security.flatMap((way) => Object.keys(way));
    for (const name of names) expect(schemes).toContain(name);
    const isOpen = path.startsWith('/health/');
    expect(names.includes('bearer')).toBe(!isOpen);
    expect(names.includes('callbackToken')).toBe(path.startsWith('/v1/callbacks'));
    const isNear = path === '/metrics' || path === '/openapi.json';
    expect(operation.security.some((way) => Object.keys(way).length === 0)).toBe(isNear);
  });

  it.each(operations)('$route has a body where its method has one', ({ route, operation }) => {
    const takesBody = !/^(GET|DELETE) /.test(route);
    expect(operation.requestBody !== undefined).toBe(takesBody);
    if (takesBody) {
      expect(operation.requestBody?.content['application/json']?.schema).toBeTypeOf('object');
    }
  });
});
