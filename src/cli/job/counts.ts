import type { CountQuery } from '../../client/wire.ts';
import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';

export interface CountOptions extends ServiceOptions, CountQuery {}

/** How many jobs of each machine are in each state. */
export async function counts(io: Io, options: CountOptions): Promise<void> {
  const client = await openClient(io, options);
  const answer = await client.counts({ type: options.type }, { signal: io.signal });
  print(io, options, answer, (view) => {
    const rows = Object.entries(answer.counts).flatMap(([type, states]) =>
      Object.entries(states).map(([state, jobs]) => [type, state, String(jobs)]),
    );
    view.table(['type', 'state', 'jobs'], rows);
  });
}
