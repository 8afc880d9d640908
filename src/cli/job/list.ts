import type { Job, JobQuery, JobsPage } from '../../client/wire.ts';
import type { JobwrightClient } from '../../client/jobwrightClient.ts';
import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';

export interface ListOptions extends ServiceOptions, Omit<JobQuery, 'sort'> {
  readonly all?: boolean;
  readonly oldest?: boolean;
}

/** A page of jobs, or all of them. */
export async function list(io: Io, options: ListOptions): Promise<void> {
  const { state, type, pipeline, tag, q, limit, cursor, oldest } = options;
  const sort = oldest ? 'createdAt' : undefined;
  const query = { state, type, pipeline, tag, q, limit, cursor, sort } as const;
  const client = await openClient(io, options);
  const page = options.all
    ? await readAll(io, client, query)
    : await client.jobs(query, { signal: io.signal });
  print(io, options, page, (view) => {
    const rows = page.jobs.map((job) => [
      job.id,
      job.type,
      job.state,
      String(job.version),
      job.pipeline ?? '',
      job.updatedAt,
      job.tags.join(' '),
    ]);
    view.table(['id', 'type', 'state', 'version', 'pipeline', 'updated', 'tags'], rows);
    if (page.next !== undefined) {
      io.stderr.write(`there are more: --all, or --cursor ${page.next}\n`);
    }
  });
}

async function readAll(io: Io, client: JobwrightClient, query: JobQuery): Promise<JobsPage> {
  const { limit, ...rest } = query;
  const paged = limit === undefined ? rest : { ...rest, limit };
  const jobs: Job[] = [];
  for await (const job of client.allJobs(paged, { signal: io.signal })) jobs.push(job);
  return { jobs };
}
