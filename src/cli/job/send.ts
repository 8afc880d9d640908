import type { SentEvent } from '../../client/wire.ts';
import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { parseJson, readData } from '../readData.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { entryHeading, entryRow } from './history.ts';

export interface SendOptions extends ServiceOptions {
  readonly data?: string;
  readonly then?: readonly string[];
  readonly key?: string;
  readonly ifVersion?: number;
}

/** Sends an event, or with `--then` a chain. */
export async function send(io: Io, id: string, event: string, options: SendOptions): Promise<void> {
  const { then: further = [], key, ifVersion } = options;
  const data = await readData(io, '--data', options.data);
  const first = { name: event, ...(data !== undefined && { data }) };
  const client = await openClient(io, options);
  const events = further.length === 0 ? first : [first, ...further.map(readEvent)];
  const sent = await client.send(id, events, { key, ifVersion, signal: io.signal });
  print(io, options, sent, (view) => view.table(entryHeading, sent.entries.map(entryRow)));
}

/** `<event>` or `<event>:<json>`. */
function readEvent(text: string): SentEvent {
  const colon = text.indexOf(':');
  if (colon < 0) return { name: text };
  return { name: text.slice(0, colon), data: parseJson('--then', text.slice(colon + 1)) };
}
