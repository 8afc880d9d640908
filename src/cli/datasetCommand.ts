import { Option, type Command } from 'commander';
import type { CreateOptions } from './dataset/care.ts';
import type { PairBulkOptions, SubmitCommandOptions } from './dataset/pairs.ts';
import type { CommandContext } from './io.ts';
import { readWhole } from './readWhole.ts';
import { withService, type ServiceOptions } from './service.ts';

/** `dataset <verb>`: tables of entries × specifications, whose cells are records. */
export function addDataset(program: Command, context: CommandContext): void {
  const dataset = program
    .command('dataset')
    .description('Submit entries × specifications as records, look after them.');
  addCare(dataset, context);
  addPairs(dataset, context);
}

function addCare(dataset: Command, { io }: CommandContext): void {
  withService(dataset.command('create <name>'))
    .description('create a dataset; one that is there stays as it is')
    .option('--description <text>', 'what it is for')
    .option('--type <machine>', 'machine of its jobs; default: record')
    .option('--tag <tag>', 'for records whose data names none')
    .option('--priority <priority>', 'the same: low, normal, high, or 0 to 1000')
    .option('--specifications <json>', 'name → data: JSON, @<file>, or - for stdin')
    .action(async (name: string, options: CreateOptions) =>
      (await import('./dataset/care.ts')).create(io, name, options),
    );
  withService(dataset.command('ls'))
    .description('list datasets, by name')
    .option('--limit <number>', 'so many at most; default: 50', readWhole)
    .option('--cursor <cursor>', '`next` of the page before')
    .action(async (options: ServiceOptions & { limit?: number; cursor?: string }) =>
      (await import('./dataset/care.ts')).list(io, options),
    );
  withService(dataset.command('show <name>'))
    .description('show a dataset and its specifications')
    .action(async (name: string, options: ServiceOptions) =>
      (await import('./dataset/care.ts')).show(io, name, options),
    );
  withService(dataset.command('add-entries <name> <file>'))
    .description('add entries: lines of JSON {"name", "data"}, or name → data; - for stdin')
    .action(async (name: string, file: string, options: ServiceOptions) =>
      (await import('./dataset/care.ts')).addEntries(io, name, file, options),
    );
  withService(dataset.command('add-spec <name> <specification>'))
    .description('add a specification')
    .requiredOption('--data <json>', 'what it gives to records: JSON, @<file>, or - for stdin')
    .action(async (name: string, spec: string, options: ServiceOptions & { data: string }) =>
      (await import('./dataset/care.ts')).addSpecification(io, name, spec, options),
    );
  withService(dataset.command('rm <name>'))
    .description('drop a dataset; its records stay')
    .action(async (name: string, options: ServiceOptions) =>
      (await import('./dataset/care.ts')).remove(io, name, options),
    );
}

function addPairs(dataset: Command, context: CommandContext): void {
  const { io } = context;
  withPairs(dataset.command('submit <name>'))
    .description('set up a record for each pair that has none; repeat it to go on')
    .option('--tag <tag>', 'for all records that this sets up')
    .option('--priority <priority>', 'the same: low, normal, high, or 0 to 1000')
    .option('--new', 'set up new records, however many alike there are')
    .addOption(
      new Option('--stopped <what>', 'what is done with a match that was stopped').choices([
        'keep',
        'restore',
        'refuse',
      ]),
    )
    .action(async (name: string, options: SubmitCommandOptions) =>
      (await import('./dataset/pairs.ts')).submit(context, name, options),
    );
  withService(dataset.command('status <name>'))
    .description('show how many records are in which state')
    .action(async (name: string, options: ServiceOptions) =>
      (await import('./dataset/pairs.ts')).status(io, name, options),
    );
  withPairs(dataset.command('bulk <name> <op>'))
    .description('reset, cancel, delete, comment …: any event, to the records of pairs')
    .option('--state <state>', 'only those in this state; may be given again', collect)
    .addOption(
      new Option('--scope <scope>', 'whom it reaches beside those; default: self').choices([
        'self',
        'ancestors',
        'descendants',
        'component',
        'usual',
      ]),
    )
    .option('--data <json>', 'data of the event: JSON, or @<file>')
    .option('--reason <text>', 'why; it stands in the history of each')
    .option('--as-admin', 'sign in as an admin, for what takes one')
    .option('--yes', 'do not ask, where it is for many, or for good')
    .option('--no-wait', 'begin it, and do not wait for its end')
    .action(async (name: string, op: string, options: PairBulkOptions, command: Command) =>
      (await import('./dataset/pairs.ts')).bulk(context, command, { name, op, options }),
    );
}

const withPairs = (command: Command): Command =>
  withService(command)
    .option('--entry <name>', 'only this entry; may be given again', collect)
    .option('--specification <name>', 'only this specification; may be given again', collect);

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];
