import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { parseJson, readData } from '../readData.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { priorityOf } from './priorityOf.ts';

export interface CreateOptions extends ServiceOptions {
  readonly input?: string;
  readonly programs?: string;
  readonly tag?: string;
  readonly priority?: string;
  readonly retries?: string;
  readonly parent?: readonly string[];
  readonly followChildren?: boolean;
  readonly data?: string;
  readonly key?: string;
}

/** Creates a record, or attaches to it. */
export async function create(io: Io, options: CreateOptions): Promise<void> {
  const { programs, tag, priority, retries, parent, followChildren, key } = options;
  const input: unknown = await readData(io, '--input', options.input);
  const further = await readData(io, '--data', options.data);
  const client = await openClient(io, options);
  const created = await client.createJob(
    {
      type: 'record',
      data: {
        ...further,
        ...(input !== undefined && { input }),
        ...(programs !== undefined && { programs: programs.split(',').map((one) => one.trim()) }),
        ...(tag !== undefined && { tag }),
        ...(priority !== undefined && { priority: priorityOf(priority) }),
        ...(retries !== undefined && { retries: parseJson('--retries', retries) }),
        ...(followChildren && { awaits: 'children' }),
      },
      ...(parent && { parents: parent }),
    },
    { signal: io.signal, key },
  );
  const { job } = created;
  const told = { id: job.id, state: job.state, created: created.created };
  print(io, options, told, (view) => {
    view.pairs([
      ['record', job.id],
      ['state', job.state],
      ['was', created.created ? 'created' : 'there already'],
    ]);
  });
}
