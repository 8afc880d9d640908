import type { Added, DatasetInput, DatasetView, EntryInput } from '../../client/datasets.ts';
import { InvalidData } from '../../errors.ts';
import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { parseJson, readData } from '../readData.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { showJson } from '../showText.ts';
import { readPriority } from './readPriority.ts';

export interface CreateOptions extends ServiceOptions {
  readonly description?: string;
  readonly type?: string;
  readonly tag?: string;
  readonly priority?: string;
  readonly specifications?: string;
}

export async function create(io: Io, name: string, options: CreateOptions): Promise<void> {
  const { description, type, tag, priority } = options;
  const specifications = await readData(io, '--specifications', options.specifications);
  const client = await openClient(io, options);
  const made = await client.datasets.create(
    {
      name,
      description,
      type,
      tag,
      priority: readPriority(priority),
      // The service says what is wrong with them.
      specifications: specifications as DatasetInput['specifications'],
    },
    { signal: io.signal },
  );
  if (!made.created) io.stderr.write('it was there already, and stays as it is\n');
  printDataset(io, options, made);
}

export async function list(
  io: Io,
  options: ServiceOptions & { readonly limit?: number; readonly cursor?: string },
): Promise<void> {
  const { limit, cursor } = options;
  const client = await openClient(io, options);
  const page = await client.datasets.list({ limit, cursor }, { signal: io.signal });
  print(io, options, page, (view) => {
    const rows = page.datasets.map((each) => [
      each.name,
      each.type,
      each.tag ?? '',
      each.updatedAt,
      each.description,
    ]);
    view.table(['name', 'type', 'tag', 'updated', 'description'], rows);
    if (page.next !== undefined) io.stderr.write(`there are more: --cursor ${page.next}\n`);
  });
}

export async function show(io: Io, name: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  printDataset(io, options, await client.datasets.get(name, { signal: io.signal }));
}

export async function addEntries(
  io: Io,
  name: string,
  file: string,
  options: ServiceOptions,
): Promise<void> {
  const entries = readEntries(await readText(io, file));
  const client = await openClient(io, options);
  const told = await client.datasets.addEntries(name, entries, { signal: io.signal });
  printAdded(io, options, told);
}

export async function addSpecification(
  io: Io,
  name: string,
  specification: string,
  options: ServiceOptions & { readonly data: string },
): Promise<void> {
  const data = (await readData(io, '--data', options.data)) ?? {};
  const client = await openClient(io, options);
  const given = { [specification]: data };
  const told = await client.datasets.addSpecifications(name, given, { signal: io.signal });
  printAdded(io, options, told);
}

export async function remove(io: Io, name: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const answer = await client.datasets.remove(name, { signal: io.signal });
  print(io, options, answer, (view) => view.line(`${name} is gone; its records stay`));
}

function printDataset(io: Io, options: ServiceOptions, dataset: DatasetView): void {
  const { name, description, type, tag, priority, entries, specifications } = dataset;
  print(io, options, dataset, (view) => {
    view.pairs([
      ['name', name],
      ['description', description],
      ['type', type],
      ['tag', tag ?? ''],
      ['priority', priority === null ? '' : String(priority)],
      ['entries', String(entries)],
      ['created', dataset.createdAt],
    ]);
    const rows = Object.entries(specifications).map(([each, data]) => [each, showJson(data)]);
    if (rows.length > 0) view.table(['specification', 'data'], rows);
  });
}

function printAdded(io: Io, options: ServiceOptions, told: Added): void {
  print(io, options, told, (view) => {
    const there = told.existing.length;
    const rest = there > 0 ? `; ${there} were there, and stay as they are` : '';
    view.line(`${told.added.length} added${rest}`);
  });
}

async function readText({ stdin }: Io, file: string): Promise<string> {
  if (file !== '-') {
    const { readFile } = await import('node:fs/promises');
    return readFile(file, 'utf8');
  }
  let text = '';
  stdin?.setEncoding('utf8');
  for await (const part of stdin ?? []) text += part.toString();
  return text;
}

/** Lines of entries; or one JSON text: a list of entries, or name → data. */
function readEntries(text: string): EntryInput[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const isWhole = lines[0]?.trimStart().startsWith('[') || !isJson(lines[0] ?? '{}');
  const given: unknown = isWhole ? parseJson('file', text) : lines.map(parseLine);
  if (!Array.isArray(given)) return namedOf(given as object);
  // The service says what is wrong with them.
  const list = given as EntryInput[];
  return isMapping(list) ? namedOf(list[0] as object) : list;
}

/** One line that is no entry is a mapping on one line. */
const isMapping = (given: readonly unknown[]): boolean =>
  given.length === 1 && typeof (given[0] as { name?: unknown } | null)?.name !== 'string';

const namedOf = (mapping: object): EntryInput[] =>
  Object.entries(mapping).map(([name, data]) => ({ name, data: data as EntryInput['data'] }));

function parseLine(line: string, place: number): EntryInput {
  try {
    return JSON.parse(line) as EntryInput;
  } catch (error) {
    const message = error instanceof Error ? error.message : 'it is not JSON';
    throw new InvalidData('file', [{ path: `line ${place + 1}`, message }]);
  }
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
