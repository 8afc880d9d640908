import type { Command } from 'commander';
import type { Submitted, SubmitOptions } from '../../client/datasets.ts';
import type { JobwrightClient } from '../../client/jobwrightClient.ts';
import { InvalidData } from '../../errors.ts';
import type { BulkOptions } from '../bulk/run.ts';
import { exitCodes } from '../exitCode.ts';
import type { CommandContext, Io } from '../io.ts';
import { print, type View } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { readPriority } from './readPriority.ts';

interface PairOptions extends ServiceOptions {
  readonly entry?: readonly string[];
  readonly specification?: readonly string[];
}

export interface SubmitCommandOptions extends PairOptions {
  readonly tag?: string;
  readonly priority?: string;
  readonly new?: boolean;
  readonly stopped?: Exclude<SubmitOptions['stopped'], undefined>;
}

export interface PairBulkOptions extends PairOptions, Omit<BulkOptions, 'q' | 'idsFile'> {
  readonly state?: readonly string[];
}

export async function submit(
  { io, exit }: CommandContext,
  name: string,
  options: SubmitCommandOptions,
): Promise<void> {
  const { entry, specification, tag, priority, stopped } = options;
  const input: SubmitOptions = {
    entries: entry,
    specifications: specification,
    tag,
    priority: readPriority(priority),
    stopped,
    ...(options.new && { findExisting: false }),
  };
  const client = await openClient(io, options);
  const told = await client.datasets.submit(name, input, { signal: io.signal });
  print(io, options, told, (view) => showSubmitted(view, told));
  if (told.refused.length > 0) exit(exitCodes.refused);
}

function showSubmitted(view: View, told: Submitted): void {
  view.pairs([
    ['submitted', String(told.submitted)],
    ['existing', String(told.existing)],
    ...(told.kept > 0 ? [['found stopped, kept so', String(told.kept)] as const] : []),
    ...(told.restored > 0 ? [['found stopped, restored', String(told.restored)] as const] : []),
    ['there already', String(told.already)],
    ['refused', String(told.refused.length)],
  ]);
  const rows = told.refused
    .slice(0, 20)
    .map(({ specification, entry, code, message }) => [specification, entry, code, message]);
  if (rows.length > 0) view.table(['specification', 'entry', 'code', 'message'], rows);
}

export async function status(io: Io, name: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const found = await client.datasets.status(name, { signal: io.signal });
  print(io, options, found, (view) => found.table.split('\n').forEach((line) => view.line(line)));
}

/** One operation on the records of pairs, as `bulk run` does it. */
export async function bulk(
  context: CommandContext,
  command: Command,
  asked: { readonly name: string; readonly op: string; readonly options: PairBulkOptions },
): Promise<void> {
  const { name, op, options } = asked;
  const client = await openClient(context.io, options);
  const ids = await idsOf(context.io, client, name, options);
  const { run } = await import('../bulk/run.ts');
  await run(context, command, { op, ids, options });
}

async function idsOf(
  { signal }: Io,
  client: JobwrightClient,
  name: string,
  { entry, specification, state }: PairBulkOptions,
): Promise<string[]> {
  const ids = new Set<string>();
  const [one] = entry?.length === 1 ? entry : [];
  // The service picks by one name; which of several it is is told here.
  for (const each of specification ?? [undefined]) {
    const query = { specification: each, entry: one };
    for await (const item of client.datasets.allItems(name, query, { signal })) {
      const isMeant =
        (entry?.includes(item.entry) ?? true) &&
        (state === undefined || (item.state !== null && state.includes(item.state)));
      if (isMeant) ids.add(item.job);
    }
  }
  // None in a state is what one may hope for; none at all is a mistake.
  if (ids.size === 0 && state === undefined) {
    const message = 'no record of the dataset is one of those';
    throw new InvalidData('pairs', [{ path: 'pairs', message }]);
  }
  return [...ids];
}
