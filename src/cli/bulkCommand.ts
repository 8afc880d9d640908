import { Option, type Command } from 'commander';
import type { ReadOptions } from './bulk/read.ts';
import type { RequestOptions } from './bulk/readRequest.ts';
import type { BulkOptions } from './bulk/run.ts';
import type { CommandContext } from './io.ts';
import { readWhole } from './readWhole.ts';
import { withService, type ServiceOptions } from './service.ts';

/** `bulk <verb>`: one operation on many jobs. */
export function addBulk(program: Command, context: CommandContext): void {
  const { io } = context;
  const bulk = program.command('bulk').description('Do one operation to many jobs.');
  withRequest(bulk.command('plan <op> [ids...]'))
    .description('show what an operation would do; nothing is written')
    .action(async (op: string, ids: readonly string[], options: RequestOptions) =>
      (await import('./bulk/run.ts')).plan(io, op, ids, options),
    );
  withRequest(bulk.command('run <op> [ids...]'))
    .description('reset, cancel, delete, comment …: any event, to each of the jobs')
    .option('--yes', 'do not ask, where it is for many, for a filter, or for good')
    .option('--no-wait', 'begin it, and do not wait for its end')
    .action(async (op: string, ids: readonly string[], options: BulkOptions, command: Command) =>
      (await import('./bulk/run.ts')).run(context, command, { op, ids, options }),
    );
  withService(bulk.command('ls'))
    .description('list runs, the newest first')
    .option('--limit <number>', 'so many at most; default: 50', readWhole)
    .option('--cursor <cursor>', '`next` of the page before')
    .action(async (options: ReadOptions) => (await import('./bulk/read.ts')).list(io, options));
  withService(bulk.command('show <run>'))
    .description('show how far a run is, and what came of it so far')
    .action(async (run: string, options: ServiceOptions) =>
      (await import('./bulk/read.ts')).show(io, run, options),
    );
  withService(bulk.command('outcomes <run>'))
    .description('print what became of each job, in the order of the request')
    .action(async (run: string, options: ServiceOptions) =>
      (await import('./bulk/read.ts')).outcomes(io, run, options),
    );
  withService(bulk.command('stop <run>'))
    .description('end a run; what is done stays done')
    .option('--reason <text>', 'why; it stands in the history')
    .action(async (run: string, options: ServiceOptions & { reason?: string }) =>
      (await import('./bulk/read.ts')).stop(io, run, options),
    );
}

const scopes = ['self', 'ancestors', 'descendants', 'component', 'usual'];

const withRequest = (command: Command): Command =>
  withService(command)
    .option('--q <key=value>', 'instead of ids: a filter of the list; may be given again', collect)
    .option('--ids-file <file>', 'more ids, one a line; - for stdin')
    .addOption(
      new Option('--scope <scope>', 'whom it reaches beside those; default: self').choices(scopes),
    )
    .option('--data <json>', 'data of the event: JSON, or @<file>')
    .option('--reason <text>', 'why; it stands in the history of each')
    .option('--as-admin', 'sign in as an admin, for what takes one');

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];
