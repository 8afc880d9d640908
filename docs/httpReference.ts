import { admit } from '../src/auth/authorise.ts';
import { JobError } from '../src/errors.ts';
import { openApiOf } from '../src/http/openApi.ts';
import type { Route } from '../src/http/route.ts';
import type { ActorKind } from '../src/machine/actor.ts';
import { groups, intro, streamMessages } from './httpGroups.ts';
import { anyObject, bodyFields, meaningOf, shapeTables, typeOf } from './httpShapes.ts';
import type { Field, Schema } from './httpShapes.ts';
import { errorCodes, externalStatuses, limits } from './httpTables.ts';
import { markdownTable } from './markdownTable.ts';

interface Operation {
  readonly parameters?: readonly { name: string; in: string; schema: Schema }[];
  readonly requestBody?: { content: Readonly<Record<string, { schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { description: string; content: Readonly<Record<string, { schema: Schema }>> }>
  >;
}

const { paths, components } = openApiOf() as unknown as {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: { schemas: Readonly<Record<string, Schema>> };
};
const shapes = components.schemas;

/** docs/httpApi.md: every route, shape, code, status and limit of the interface, made from the code. */
export function httpReference(): string {
  const sections = groups.flatMap(({ title, text, routes, example }) => [
    `## ${title}`,
    text,
    example,
    ...routes.flatMap(routeSection),
  ]);
  return (
    [
      intro,
      ...sections,
      streamMessages,
      '## Shapes',
      ...shapeSections(),
      '## External statuses',
      ...externalStatuses(),
      '## Error codes',
      ...errorCodes(),
      '## Limits',
      ...limits(),
    ].join('\n\n') + '\n'
  );
}

function routeSection(route: Route): string[] {
  const { method, path, summary } = route;
  const operation = paths[path]?.[method.toLowerCase()];
  if (!operation) throw new Error(`${method} ${path} is not in the document of the interface`);
  const fields = fieldsOf(operation);
  return [
    `### ${method} ${path}`,
    `${summary}. For ${whoMay(route)}.`,
    ...(fields.length > 0 ? [markdownTable(['Where', 'Name', 'Type', 'Meaning'], fields)] : []),
    answerLine(route, operation),
  ];
}

const kinds: readonly ActorKind[] = ['job', 'worker', 'reader', 'operator', 'admin'];
const people: Readonly<Record<string, string>> = {
  job: 'the job by its token',
  worker: 'workers',
  reader: 'readers',
  operator: 'operators',
  admin: 'admins',
};

/** Who may come, by the one table of rights. */
function whoMay({ access, takesTokenAnywhere }: Route): string {
  if (access === 'anyone') return 'anyone, without a token';
  if (takesTokenAnywhere) {
    return 'the job by its token, in the header, as `token` in the query or as `token` in the body';
  }
  const action = typeof access === 'object' ? access.elsewhere : access;
  const able = kinds.filter((kind) => {
    const actor = { kind, id: 'job-1' };
    const token = { actor, tokenId: '1', expiresAt: 0, once: false, generation: 1 };
    try {
      admit({ actor, token }, action, { jobId: 'job-1' });
      return true;
    } catch (error) {
      if (error instanceof JobError) return false;
      throw error;
    }
  });
  const named = sentence(able.map((kind) => people[kind] ?? kind));
  return typeof access === 'object'
    ? `anyone on the same machine, and with a token for ${named} elsewhere`
    : named;
}

const sentence = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

const headerMeanings: Readonly<Record<string, readonly [type: string, meaning: string]>> = {
  'Idempotency-Key': ['text', 'sent again under the same key, a request is applied once'],
  'If-Match': ['`"<version>"`', 'only if this is the version of the job'],
  'Last-Event-ID': ['text', '`id` of the last message that was read: go on after it'],
};

function fieldsOf({ parameters = [], requestBody }: Operation): Field[] {
  const body = requestBody?.content['application/json']?.schema ?? {};
  const told = parameters
    .filter((parameter) => parameter.in !== 'path')
    .map((parameter): Field => {
      const [type, meaning] = headerMeanings[parameter.name] ?? [
        typeOf(parameter.schema),
        meaningOf(`query.${parameter.name}`, parameter.schema),
      ];
      return [parameter.in, `\`${parameter.name}\``, type, meaning];
    });
  return [...told, ...bodyFields(body, shapes)];
}

/** Refusals that any route may give; the page tells them once. */
const usual = new Set(['400', '401', '403', '413', '415', '421', '500', '503']);

function answerLine({ answers }: Route, { responses }: Operation): string {
  const statuses = new Map<string, string[]>();
  for (const status of Object.keys(answers)) {
    const [[media = '', { schema = {} } = {}] = []] = Object.entries(
      responses[status]?.content ?? {},
    );
    const shape = media === 'application/json' && schema.$ref ? typeOf(schema) : `\`${media}\``;
    statuses.set(shape, [...(statuses.get(shape) ?? []), status]);
  }
  const succeeds = [...statuses].map(([shape, which]) => `${which.join(' or ')} with ${shape}`);
  const refused = Object.entries(responses)
    .filter(([status]) => !usual.has(status) && !Object.hasOwn(answers, status))
    .map(([status, { description }]) => `${status} ${description}`);
  const refusals = refused.length > 0 ? ` Refused with ${refused.join('; ')}.` : '';
  return `Answers ${succeeds.join(', or ')}.${refusals}`;
}

function shapeSections(): string[] {
  const asked = new Set(
    Object.values(paths).flatMap((routes) =>
      Object.values(routes).map(({ requestBody }) =>
        requestBody?.content['application/json']?.schema.$ref?.split('/').at(-1),
      ),
    ),
  );
  // What is only ever sent stands with its route.
  return Object.entries(shapes)
    .filter(([name]) => !anyObject.has(name) && !(asked.has(name) && name !== 'Event'))
    .flatMap(([name, schema]) => [`### ${name}`, shapeTables(name, schema)]);
}
