import type { Io } from '../io.ts';
import { showJob } from '../job/show.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { showJson } from '../showText.ts';

/** A record, and what its machine shows of it. */
export async function show(io: Io, id: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const record = await client.job(id, { signal: io.signal });
  print(io, options, record, (view) => {
    showJob(view, record);
    const { details = {} } = record;
    const told = Object.entries(details).filter(([, value]) => value !== null);
    view.pairs(told.map(([name, value]) => [name, textOf(value)]));
  });
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : showJson(value));
