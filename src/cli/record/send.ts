import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { eachOf } from './eachOf.ts';
import { priorityOf } from './priorityOf.ts';

export interface EventOptions extends ServiceOptions {
  readonly reason?: string;
  readonly text?: string;
  readonly tag?: string;
  readonly priority?: string;
  readonly keepArchive?: boolean;
}

/** Sends an event to one record after the other, and prints a line for each; resolves to the exit code. */
export async function send(
  io: Io,
  name: string,
  ids: readonly string[],
  options: EventOptions,
): Promise<number> {
  const { reason, text, tag, priority, keepArchive } = options;
  const data = {
    ...(reason !== undefined && { reason }),
    ...(text !== undefined && { text }),
    ...(tag !== undefined && { tag }),
    ...(priority !== undefined && { priority: priorityOf(priority) }),
    ...(keepArchive && { keepArchive }),
  };
  const event = { name, ...(Object.keys(data).length > 0 && { data }) };
  const client = await openClient(io, options);
  return eachOf(io, ids, async (id) => {
    const { job } = await client.send(id, event, { signal: io.signal });
    const { state, version } = job;
    print(io, options, { id, state, version }, (view) => view.line(`${id}  ${state}`));
  });
}
