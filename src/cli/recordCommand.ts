import type { Command } from 'commander';
import type { CommandContext } from './io.ts';
import type { ListOptions } from './job/list.ts';
import { readWhole } from './readWhole.ts';
import type { CreateOptions } from './record/create.ts';
import type { OutputOptions } from './record/output.ts';
import type { EventOptions } from './record/send.ts';
import { withService, type ServiceOptions } from './service.ts';

/** `record <verb>`: computations that workers do. */
export function addRecord(program: Command, context: CommandContext): void {
  const record = program
    .command('record')
    .description('Set records up, see why they wait and what came of them, take them in and out.');
  addCreating(record, context);
  addReading(record, context);
  addOutputs(record, context);
  addEvents(record, context);
}

function addCreating(record: Command, { io }: CommandContext): void {
  withService(record.command('create'))
    .description('set a record up, or attach to the one with the same input, programs and parents')
    .option('--input <json>', 'what the program is to work on: any JSON, @<file>, or - for stdin')
    .option('--programs <names>', 'programs that a worker must have, separated by commas')
    .option('--tag <tag>', 'the tag by which workers choose it')
    .option('--priority <priority>', 'low, normal, high, or 0 to 1000')
    .option('--retries <json>', 'policy of automatic retries, such as {"limits": {"*": 2}}')
    .option('--parent <record>', 'a record that it is a part of; may be given again', collect)
    .option('--follow-children', 'no worker takes it: it ends when its children have')
    .option('--data <json>', 'further data of it: JSON, @<file>, or - for stdin')
    .option('--key <key>', 'idempotency key: repeated under it, the request is applied once')
    .action(async (options: CreateOptions) =>
      (await import('./record/create.ts')).create(io, options),
    );
}

function addReading(record: Command, { io, exit }: CommandContext): void {
  withService(record.command('ls'))
    .description('list records, newest first')
    .option('--state <state>', 'only in this state')
    .option('--q <text>', 'an id or label, in full')
    .option('--limit <number>', 'so many at most; default: 50', readWhole)
    .option('--cursor <cursor>', '`next` of the page before')
    .option('--all', 'all pages')
    .option('--oldest', 'oldest first')
    .action(async (options: ListOptions) =>
      (await import('./job/list.ts')).list(io, { ...options, type: 'record' }),
    );
  withService(record.command('show <id>'))
    .description('show a record, and what it remembers')
    .action(async (id: string, options: ServiceOptions) =>
      (await import('./record/show.ts')).show(io, id, options),
    );
  withService(record.command('why <ids...>'))
    .description('tell why records wait')
    .action(async (ids: readonly string[], options: ServiceOptions) =>
      exit(await (await import('./record/why.ts')).why(io, ids, options)),
    );
}

function addOutputs(record: Command, { io }: CommandContext): void {
  withService(record.command('attempts <id>'))
    .description('list the attempts at a record that ended, and what each left')
    .action(async (id: string, options: ServiceOptions) =>
      (await import('./record/output.ts')).attempts(io, id, options),
    );
  withService(record.command('output <id>'))
    .description('print what an attempt left, as it is')
    .option('--attempt <number>', 'which attempt; default: the newest', readWhole)
    .option('--name <name>', 'stdout, stderr or result; default: result')
    .action(async (id: string, options: OutputOptions) =>
      (await import('./record/output.ts')).output(io, id, options),
    );
}

/** Events by name. Each is done for one record after the other. */
const events: readonly (readonly [name: string, does: string])[] = [
  ['cancel', 'take records out of the queue, until uncancel'],
  ['uncancel', 'put cancelled records back to where they were'],
  ['reset', 'queue records in error again, with a new budget of retries'],
  ['invalidate', 'mark results as not to be used'],
  ['uninvalidate', 'take that back'],
  ['delete', 'put records away, until undelete'],
  ['undelete', 'bring deleted records back to where they were'],
  ['modify', 'change the tag or the priority of records that wait or run'],
  ['comment', 'add a remark to the history of records'],
];

function addEvents(record: Command, { io, exit }: CommandContext): void {
  for (const [name, does] of events) {
    const command = withService(record.command(`${name} <ids...>`)).description(does);
    addEventOptions(command, name);
    command.action(async (ids: readonly string[], options: EventOptions) =>
      exit(await (await import('./record/send.ts')).send(io, name, ids, options)),
    );
  }
}

function addEventOptions(command: Command, name: string): void {
  if (name === 'comment') command.requiredOption('--text <text>', 'the remark');
  else command.option('--reason <text>', 'why; it stands in the history');
  if (name === 'modify') {
    command
      .option('--tag <tag>', 'the tag by which workers choose it')
      .option('--priority <priority>', 'low, normal, high, or 0 to 1000');
  }
  if (name === 'reset') command.option('--keep-archive', 'leave the files of the archive');
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];
