import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { readData } from '../readData.ts';
import { openClient, type ServiceOptions } from '../service.ts';

export interface CreateOptions extends ServiceOptions {
  readonly type?: string;
  readonly pipeline?: string;
  readonly data?: string;
  readonly parent?: readonly string[];
  readonly tag?: readonly string[];
  readonly session?: string;
  readonly agent?: string;
  readonly task?: string;
  readonly archivePath?: string;
  readonly instanced?: boolean;
  readonly key?: string;
}

/** Creates or attaches. Prints the token and the callback URL: that is what it is asked for. */
export async function create(io: Io, options: CreateOptions): Promise<void> {
  const { type, pipeline, parent, tag, session, agent, task, archivePath, instanced } = options;
  const data = await readData(io, '--data', options.data);
  const client = await openClient(io, options);
  const { key } = options;
  const created = await client.createJob(
    {
      ...(type !== undefined && { type }),
      ...(pipeline !== undefined && { pipeline }),
      ...(data !== undefined && { data }),
      ...(parent && { parents: parent }),
      ...(tag && { tags: tag }),
      ...(session !== undefined && { session }),
      ...(agent !== undefined && { agent }),
      ...(task !== undefined && { task }),
      ...(archivePath !== undefined && { archivePath }),
      ...(instanced && { instanced }),
    },
    { signal: io.signal, key },
  );
  print(io, options, created, (view) => {
    const { job, callbackUrl } = created;
    view.pairs([
      ['job', job.id],
      ['state', job.state],
      ['was', created.created ? 'created' : 'there already'],
      ['archive path', job.archivePath],
      ['callback URL', callbackUrl],
    ]);
  });
}
