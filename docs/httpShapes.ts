import { fieldMeanings } from './httpWords.ts';
import { markdownTable } from './markdownTable.ts';

/** A JSON Schema, as far as the shapes of the interface use it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly description?: string;
}

/** One thing that a request may carry: where, its name, its type in words, what it means. */
export type Field = readonly [where: string, name: string, type: string, meaning: string];

/** The shape that a reference leads to; one without fields of its own is any object. */
export const referenced = ({ $ref = '' }: Schema): string => $ref.split('/').at(-1) ?? '';

/** Shapes that are any JSON object. */
export const anyObject: ReadonlySet<string> = new Set(['Document', 'Callback']);

/** The type in words; named shapes are links to their sections. */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = referenced(schema);
    return anyObject.has(name) ? 'object' : `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.anyOf) return unite(schema.anyOf.map(typeOf));
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((each) => `\`${each}\``).join(', ');
  if (Array.isArray(schema.type)) {
    return unite(schema.type.map((type) => typeOf({ ...schema, type: type as string })));
  }
  if (schema.pattern?.startsWith('^\\d{')) return 'whole number';
  if (schema.type === 'array') return `list of ${listed(schema.items ?? {})}`;
  return words[String(schema.type)] ?? 'anything';
}

/** In a list, a shape without a name stands as its fields. */
const listed = (items: Schema): string =>
  items.properties ? `{${Object.keys(items.properties).join(', ')}}` : typeOf(items);

const words: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false',
  object: 'object',
  null: 'null',
};

const unite = (types: readonly string[]): string => [...new Set(types)].join(' or ');

/** What a field means beside its type: its words, default, bounds. */
export function meaningOf(field: string, schema: Schema): string {
  const inner = schema.anyOf?.find(({ type }) => type !== 'null') ?? schema;
  const facts = [
    (schema.description ?? fieldMeanings[field])?.replace(
      /<[^>]+>(?::<[^>]+>)?/g,
      (found) => `\`${found}\``,
    ),
    schema.default !== undefined && `usual: \`${JSON.stringify(schema.default)}\``,
    inner.maxItems !== undefined && `at most ${number(inner.maxItems)}`,
    inner.maxLength !== undefined && `at most ${number(inner.maxLength)} characters`,
  ];
  return facts.filter((fact) => typeof fact === 'string').join('; ');
}

const number = (value: number): string => value.toLocaleString('en');

/** The fields of a shape; of a choice between shapes, a table for each. */
export function shapeTables(shape: string, schema: Schema): string {
  if (schema.anyOf) {
    return schema.anyOf.map((each) => shapeTables(shape, each)).join('\n\nor\n\n');
  }
  if (schema.$ref !== undefined) return `the fields of ${typeOf(schema)}`;
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => [
    `\`${name}\`${required.has(name) ? '' : ' (may be absent)'}`,
    typeOf(field),
    meaningOf(`${shape}.${name}`, field),
  ]);
  return rows.length === 0 ? 'Any JSON object.' : markdownTable(['Field', 'Type', 'Meaning'], rows);
}

/** The fields of a request's body, where it has any of its own; those of a choice in turn. */
export function bodyFields(schema: Schema, shapes: Readonly<Record<string, Schema>>): Field[] {
  if (anyObject.has(referenced(schema))) return [['body', '–', 'object', 'any JSON object']];
  if (schema.$ref !== undefined) return bodyFields(shapes[referenced(schema)] ?? {}, shapes);
  if (schema.anyOf) {
    return schema.anyOf.flatMap((each, index) =>
      bodyFields(each, shapes).map(([, ...field]): Field => [index > 0 ? 'or' : 'body', ...field]),
    );
  }
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).map(([name, field]): Field => {
    const needed = required.has(name) ? 'required' : '';
    const meaning = [needed, meaningOf(`body.${name}`, field)]
      .filter((text) => text !== '')
      .join('; ');
    return ['body', `\`${name}\``, typeOf(field), meaning];
  });
}
