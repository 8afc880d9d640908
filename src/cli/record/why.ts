import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { eachOf } from './eachOf.ts';

/** Why records wait, one after the other; resolves to the exit code. */
export async function why(
  io: Io,
  ids: readonly string[],
  options: ServiceOptions,
): Promise<number> {
  const client = await openClient(io, options);
  return eachOf(io, ids, async (id) => {
    const told = await client.why(id, { signal: io.signal });
    print(io, options, told, (view) => view.line(`${id}  ${told.message}`));
  });
}
