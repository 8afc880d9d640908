import type { WorkerQuery } from '../../client/workers.ts';
import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';

export interface ListOptions extends ServiceOptions, WorkerQuery {}

/** A page of workers. */
export async function list(io: Io, options: ListOptions): Promise<void> {
  const { status, limit, cursor } = options;
  const client = await openClient(io, options);
  const page = await client.workers.list({ status, limit, cursor }, { signal: io.signal });
  print(io, options, page, (view) => {
    const rows = page.workers.map((worker) => [
      worker.name,
      worker.status,
      worker.tags.join(' '),
      String(worker.counts.claimed),
      String(worker.counts.completed),
      String(worker.counts.failed),
      String(worker.counts.rejected),
      worker.beatAt,
    ]);
    const heading = ['name', 'status', 'tags', 'claimed', 'completed', 'failed', 'rejected'];
    view.table([...heading, 'last beat'], rows);
    if (page.next !== undefined) io.stderr.write(`there are more: --cursor ${page.next}\n`);
  });
}
