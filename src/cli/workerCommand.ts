import type { Command } from 'commander';
import type { CommandContext } from './io.ts';
import { readDuration } from './readDuration.ts';
import { readWhole } from './readWhole.ts';
import { withService, type ServiceOptions } from './service.ts';
import type { ListOptions } from './worker/list.ts';
import type { RunOptions } from './worker/run.ts';

/** `worker <verb>`: runs one, and looks at those there are. */
export function addWorker(program: Command, context: CommandContext): void {
  const worker = program
    .command('worker')
    .description('Run a worker that does the work of records, and look at workers.');
  addRunning(worker, context);
  addReading(worker, context);
}

function addRunning(worker: Command, { io, exit }: CommandContext): void {
  withService(worker.command('run'))
    .description('claim records, run a program for each, and report what came of it')
    .requiredOption(
      '--exec <command>',
      'the program, such as "./program {input}"; also {id} {epoch} {archive}; no shell is started',
    )
    .option('--name <name>', 'its name, used once for ever; default: one that is drawn')
    .option('--tags <tags>', 'tags that it takes, in order, separated by commas; default: all')
    .option('--programs <names>', 'programs that it has, such as p=1.0,q')
    .option('--lease <seconds>', 'how long it may be silent; default: 30', readWhole)
    .option('--concurrency <number>', 'programs that run at once; default: 1', readWhole)
    .option('--timeout <time>', 'the longest that a program may take, such as 90s', readDuration)
    .option('--max-output <bytes>', 'bytes of each output that are kept', readWhole)
    .option('--cwd <directory>', 'where the program runs')
    .option('--once', 'end as soon as there is nothing to claim')
    .addHelpText('after', runHelp)
    .action(async (options: RunOptions) =>
      exit(await (await import('./worker/run.ts')).run(io, options)),
    );
}

function addReading(worker: Command, { io }: CommandContext): void {
  withService(worker.command('ls'))
    .description('list workers by name')
    .option('--status <status>', 'only active, inactive or lost ones')
    .option('--limit <number>', 'so many at most; default: 50', readWhole)
    .option('--cursor <cursor>', '`next` of the page before')
    .action(async (options: ListOptions) => (await import('./worker/list.ts')).list(io, options));
  withService(worker.command('show <name>'))
    .description('show a worker, and what came of its claims')
    .action(async (name: string, options: ServiceOptions) =>
      (await import('./worker/show.ts')).show(io, name, options),
    );
  withService(worker.command('deactivate <name>'))
    .description('end a worker: what it has is waiting again at once')
    .action(async (name: string, options: ServiceOptions) =>
      (await import('./worker/show.ts')).deactivate(io, name, options),
    );
}

const runHelp = `
The input is on the program's stdin too, as JSON. Exit code 0 is success; the result is the JSON object that
stdout, or its last line, is. One interruption lets running programs end, the second one ends them.`;
