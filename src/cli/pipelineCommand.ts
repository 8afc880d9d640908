import type { Command } from 'commander';
import type { PipelineView } from '../client/wire.ts';
import type { CommandContext, Io } from './io.ts';
import { openClient, withService, type ServiceOptions } from './service.ts';

interface PutOptions extends ServiceOptions {
  readonly name?: string;
  readonly description?: string;
  readonly metadata?: string;
}

/** `pipeline <verb>`: the registered pipelines. */
export function addPipeline(program: Command, { io }: CommandContext): void {
  const pipeline = program.command('pipeline').description('Register pipelines, look at them.');
  withService(pipeline.command('put <id>'))
    .description('register a pipeline, or describe it anew')
    .option('--name <text>', 'its name; default: its id')
    .option('--description <text>', 'what it does')
    .option('--metadata <json>', 'anything else: JSON, @<file>, or - for stdin')
    .action(async (id: string, options: PutOptions) => put(io, id, options));
  withService(pipeline.command('ls'))
    .description('list the registered pipelines')
    .action(async (options: ServiceOptions) => {
      const client = await openClient(io, options);
      const answer = await client.pipelines({ signal: io.signal });
      const { print } = await import('./print.ts');
      print(io, options, answer, (view) => {
        const rows = answer.pipelines.map(({ id, name, description, updatedAt }) => [
          id,
          name,
          updatedAt,
          description,
        ]);
        view.table(['id', 'name', 'updated', 'description'], rows);
      });
    });
  withService(pipeline.command('show <id>'))
    .description('show a pipeline')
    .action(async (id: string, options: ServiceOptions) => {
      const client = await openClient(io, options);
      await printPipeline(io, options, await client.pipeline(id, { signal: io.signal }));
    });
}

async function put(io: Io, id: string, options: PutOptions): Promise<void> {
  const { readData } = await import('./readData.ts');
  const { name, description } = options;
  const metadata = await readData(io, '--metadata', options.metadata);
  const client = await openClient(io, options);
  const input = {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(metadata !== undefined && { metadata }),
  };
  await printPipeline(io, options, await client.putPipeline(id, input, { signal: io.signal }));
}

async function printPipeline(
  io: Io,
  options: ServiceOptions,
  pipeline: PipelineView,
): Promise<void> {
  const { print } = await import('./print.ts');
  const { showJson } = await import('./showText.ts');
  print(io, options, pipeline, (view) =>
    view.pairs([
      ['id', pipeline.id],
      ['name', pipeline.name],
      ['description', pipeline.description],
      ['metadata', showJson(pipeline.metadata)],
      ['created', pipeline.createdAt],
      ['updated', pipeline.updatedAt],
    ]),
  );
}
