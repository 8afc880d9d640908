import type { Entry, History, HistoryQuery } from '../../client/wire.ts';
import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { showJson } from '../showText.ts';

export interface HistoryOptions extends ServiceOptions, HistoryQuery {
  readonly all?: boolean;
}

/** A page of a job's history, or all of it. */
export async function history(io: Io, id: string, options: HistoryOptions): Promise<void> {
  const { after, limit, all } = options;
  const client = await openClient(io, options);
  const page: History = all
    ? { entries: await collect(client.allHistory(id, { after }, { signal: io.signal })) }
    : await client.history(id, { after, limit }, { signal: io.signal });
  print(io, options, page, (view) => {
    view.table(entryHeading, page.entries.map(entryRow));
    if (page.next !== undefined) {
      io.stderr.write(`there are more: --all, or --after ${page.next}\n`);
    }
  });
}

export const entryHeading = ['seq', 'at', 'event', 'from', 'state', 'by', 'data'];

export const entryRow = ({ seq, at, name, from, to, actor, data }: Entry): string[] => [
  String(seq),
  at,
  name,
  from ?? '–',
  to ?? '–',
  `${actor.kind} ${actor.id}`,
  data === null ? '' : showJson(data, 80),
];

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
