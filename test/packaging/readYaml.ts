/** What a file in YAML comes to; every scalar is a text. */
export type Yaml = string | readonly Yaml[] | { readonly [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
}

/**
 * Reads the little of YAML that compose.yaml keeps to: maps and lists by indentation, scalars on one
 * line, plain or quoted, and lines that are comments. Throws for anything else.
 */
export function readYaml(source: string): Yaml {
  const lines = source
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .map((line) => ({ indent: line.search(/\S/), text: line.trim() }));
  const { value, next } = readBlock(lines, 0);
  if (next !== lines.length) throw new Error(`Cannot read: ${lines[next]?.text}`);
  return value;
}

/** The map or list that begins at a line, and the first line after it. */
function readBlock(lines: readonly Line[], first: number): { value: Yaml; next: number } {
  const { indent = 0, text = '' } = lines[first] ?? {};
  return text.startsWith('- ') ? readList(lines, first, indent) : readMap(lines, first, indent);
}

function readList(lines: readonly Line[], first: number, indent: number) {
  const value: Yaml[] = [];
  let at = first;
  for (; lines[at]?.indent === indent && lines[at]?.text.startsWith('- '); at += 1) {
    value.push(readScalar(lines[at]?.text.slice(2) ?? ''));
  }
  return { value, next: at };
}

function readMap(lines: readonly Line[], first: number, indent: number) {
  const value: Record<string, Yaml> = {};
  let at = first;
  while (at < lines.length && lines[at]?.indent === indent) {
    const text = lines[at]?.text ?? '';
    const [, key, rest = ''] = /^([\w.-]+):(?: (.*))?$/.exec(text) ?? [];
    if (key === undefined || Object.hasOwn(value, key)) throw new Error(`Cannot read: ${text}`);
    at += 1;
    if (rest !== '') {
      value[key] = readScalar(rest);
    } else if ((lines[at]?.indent ?? 0) > indent) {
      const block = readBlock(lines, at);
      value[key] = block.value;
      at = block.next;
    } else value[key] = '';
  }
  return { value, next: at };
}

function readScalar(text: string): string {
  if (text.startsWith('"')) return JSON.parse(text) as string;
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (/^[[{&*!|>]| #|: /.test(text)) throw new Error(`Cannot read: ${text}`);
  return text;
}
