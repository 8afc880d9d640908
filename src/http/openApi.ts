import { z } from 'zod';
import { routes } from './routes/index.ts';
import { pathParameters } from './path.ts';
import type { Route } from './route.ts';
import { named, problem } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

/** The interface as an OpenAPI 3.1 document, made from the route table and its schemas. */
export function openApiOf(table: readonly Route[] = routes): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of table) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'jobwright',
      version: 'v1',
      summary: 'Long-running jobs as explicit finite state machines.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'this service' }],
    paths,
    components: {
      schemas: componentsOf(),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        callbackToken: { type: 'apiKey', in: 'query', name: 'token' },
      },
    },
  };
}

const referenceTo = (id: string): string => `#/components/schemas/${id}`;

function componentsOf(): Json {
  const { schemas } = z.toJSONSchema(named, { uri: referenceTo, io: 'input' });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _dialect, $id: _id, ...schema }]) => [id, schema]),
  );
}

function schemaOf(schema: z.ZodType): Json {
  const known = named.get(schema);
  if (known) return { $ref: referenceTo(known.id) };
  const { $schema: _dialect, ...made } = z.toJSONSchema(schema, { io: 'input' });
  return made;
}

function operationOf(route: Route): Json {
  const { access, body, takesTokenAnywhere } = route;
  const bearer = { bearer: [] };
  const security = access === 'anyone' ? [] : [bearer];
  return {
    operationId: operationId(route),
    summary: route.summary,
    tags: [tagOf(route.path)],
    security: [
      ...security,
      ...(takesTokenAnywhere ? [{ callbackToken: [] }] : []),
      ...(typeof access === 'object' ? [{}] : []),
    ],
    ...parametersOf(route),
    ...(body && { requestBody: { content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: { ...answersOf(route), ...refusalsOf(route) },
  };
}

function parametersOf({ path, query, headers = [] }: Route): Json {
  const inPath = pathParameters(path).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    schema: schemaOf(schema as z.ZodType),
  }));
  const inHeaders = headers.map((name) => ({ name, in: 'header', schema: { type: 'string' } }));
  const parameters = [...inPath, ...inQuery, ...inHeaders];
  return parameters.length > 0 ? { parameters } : {};
}

function answersOf({ answers }: Route): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [
      status,
      {
        description: statusText[status] ?? 'Success',
        content:
          typeof answer === 'string'
            ? { [answer]: { schema: answer.startsWith('text/') ? { type: 'string' } : {} } }
            : { 'application/json': { schema: schemaOf(answer) } },
      },
    ]),
  );
}

const statusText: Readonly<Record<string, string>> = {
  200: 'Done',
  201: 'Created',
  503: 'Not ready',
};

/** Beside its own, what any route may answer. */
function refusalsOf({ access, answers, refusals = {}, body, headers = [] }: Route): Json {
  const usual: Record<string, string> = {
    400: 'INVALID_DATA: a parameter, a header or the body is not as it should be',
    ...(access !== 'anyone' && { 401: 'UNAUTHENTICATED', 403: 'FORBIDDEN, ADMIN_REQUIRED' }),
    ...(body && { 413: 'PAYLOAD_TOO_LARGE', 415: 'UNSUPPORTED_MEDIA_TYPE' }),
    ...(headers.includes('If-Match') && { 412: 'VERSION_MISMATCH' }),
    ...(headers.includes('Idempotency-Key') && { 422: 'IDEMPOTENCY_CONFLICT' }),
    421: 'MISDIRECTED_REQUEST: not a host name of this service',
    500: 'INTERNAL, MACHINE_FAULT: a mistake of the service or of a machine',
    503: 'STORE_UNAVAILABLE, OVERLOADED: come again after Retry-After',
  };
  const content = { 'application/problem+json': { schema: schemaOf(problem) } };
  return Object.fromEntries(
    Object.entries({ ...usual, ...refusals })
      .filter(([status]) => !Object.hasOwn(answers, status))
      .map(([status, description]) => [status, { description, content }]),
  );
}

/** POST /v1/jobs/{id}/events → postJobsIdEvents. */
function operationId({ method, path }: Route): string {
  const words = path
    .replace(/^\/v1/, '')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  return `${method.toLowerCase()}${words.join('')}`;
}

const tagOf = (path: string): string => {
  const [first = '', second = ''] = path.split('/').slice(1);
  return first === 'v1' ? second : 'operations';
};
