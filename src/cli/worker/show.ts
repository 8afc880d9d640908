import type { WorkerView } from '../../records/workerProtocol.ts';
import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';

/** A worker, and what came of its claims. */
export async function show(io: Io, name: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  printWorker(io, options, await client.workers.get(name, { signal: io.signal }));
}

/** Ends a worker. */
export async function deactivate(io: Io, name: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  printWorker(io, options, await client.workers.deactivate(name));
}

function printWorker(io: Io, options: ServiceOptions, worker: WorkerView): void {
  print(io, options, worker, (view) => {
    const { programs, counts } = worker;
    view.pairs([
      ['name', worker.name],
      ['subject', worker.subject],
      ['status', worker.status],
      ['tags', worker.tags.join(' ')],
      ['programs', joined(programs, '=')],
      ['lease', `${worker.leaseSeconds} s`],
      ['activated', worker.activatedAt],
      ['last beat', worker.beatAt],
      ...(worker.endedAt === null ? [] : [['ended', worker.endedAt] as const]),
      ['claims', joined(counts, ' ')],
    ]);
  });
}

const joined = (pairs: object, between: string): string =>
  Object.entries(pairs)
    .map(([name, value]) => `${name}${between}${String(value)}`)
    .join(', ');
