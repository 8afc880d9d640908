import type { Command } from 'commander';
import type { CommandContext } from './io.ts';
import type { CountOptions } from './job/counts.ts';
import type { CreateOptions } from './job/create.ts';
import type { HistoryOptions } from './job/history.ts';
import type { ListOptions } from './job/list.ts';
import type { RemovalOptions, ResetOptions } from './job/remove.ts';
import type { SendOptions } from './job/send.ts';
import type { WatchOptions } from './job/watch.ts';
import { readWhole } from './readWhole.ts';
import { withService, type ServiceOptions } from './service.ts';

/** `job <verb>`: all that is asked of the service about jobs. */
export function addJob(program: Command, context: CommandContext): void {
  const job = program.command('job').description('Set jobs up, look at them, send them events.');
  addReading(job, context);
  addWriting(job, context);
  addRemoving(job, context);
}

function addReading(job: Command, { io, exit }: CommandContext): void {
  withService(job.command('ls'))
    .description('list jobs, newest first')
    .option('--state <state>', 'only in this state')
    .option('--type <machine>', 'only of this machine')
    .option('--pipeline <id>', 'only of this pipeline')
    .option('--tag <tag>', 'only with this tag')
    .option('--q <text>', 'an id, pipeline, session, agent, task or tag, in full')
    .option('--limit <number>', 'so many at most; default: 50', readWhole)
    .option('--cursor <cursor>', '`next` of the page before')
    .option('--all', 'all pages')
    .option('--oldest', 'oldest first')
    .action(async (options: ListOptions) => (await import('./job/list.ts')).list(io, options));
  withService(job.command('counts'))
    .description('count the jobs of each machine in each state')
    .option('--type <machine>', 'only of this machine')
    .action(async (options: CountOptions) => (await import('./job/counts.ts')).counts(io, options));
  withService(job.command('show <id>'))
    .description('show a job and what its state allows')
    .action(async (id: string, options: ServiceOptions) =>
      (await import('./job/show.ts')).show(io, id, options),
    );
  withService(job.command('history <id>'))
    .description('show the history of a job, oldest entry first')
    .option('--after <seq>', 'only entries after this one', readWhole)
    .option('--limit <number>', 'so many at most; default: 100', readWhole)
    .option('--all', 'all pages')
    .action(async (id: string, options: HistoryOptions) =>
      (await import('./job/history.ts')).history(io, id, options),
    );
  withService(job.command('watch [id]'))
    .description('follow entries as they are accepted, of one job or of all')
    .option('--state <state>', 'only of jobs in this state')
    .option('--type <machine>', 'only of this machine')
    .option('--pipeline <id>', 'only of this pipeline')
    .option('--tag <tag>', 'only of jobs with this tag')
    .option('--until <state>', 'end with 0 once the job is in this state (with an id)')
    .option('--last-event-id <position>', 'go on after this position of an entry')
    .action(async (id: string | undefined, options: WatchOptions, command: Command) => {
      if (options.until !== undefined && id === undefined) command.error('--until needs an id');
      const { watch } = await import('./job/watch.ts');
      exit(await watch(io, id, options));
    });
}

function addWriting(job: Command, { io }: CommandContext): void {
  withService(job.command('create'))
    .description(
      'set a job up, or attach to the one with the same machine, pipeline, parents and data',
    )
    .option('--pipeline <id>', 'the pipeline that it is a run of')
    .option('--type <machine>', 'its machine; default: pipelineJob')
    .option('--data <json>', 'its input: JSON, @<file>, or - for stdin')
    .option('--parent <document>', 'a document that it belongs to; may be given again', collect)
    .option('--tag <tag>', 'a tag; may be given again', collect)
    .option('--session <text>', 'its session')
    .option('--agent <text>', 'its agent')
    .option('--task <text>', 'its task')
    .option('--archive-path <path>', 'its archive path, instead of the one that is made')
    .option('--instanced', 'end the archive path with the session and the time')
    .option('--key <key>', keyHelp)
    .action(async (options: CreateOptions) =>
      (await import('./job/create.ts')).create(io, options),
    );
  withService(job.command('send <id> <event>'))
    .description('send an event, or a chain that is accepted whole or refused whole')
    .option('--data <json>', 'the data of the event: JSON, @<file>, or - for stdin')
    .option('--then <event[:json]>', 'a further event of the chain; may be given again', collect)
    .option('--key <key>', keyHelp)
    .option('--if-version <version>', 'only if this is the version of the job', readWhole)
    .action(async (id: string, event: string, options: SendOptions) =>
      (await import('./job/send.ts')).send(io, id, event, options),
    );
}

function addRemoving(job: Command, context: CommandContext): void {
  withService(job.command('reset <id>'))
    .description('clean a job for another run: its archive is emptied (admins)')
    .requiredOption('--reason <text>', 'why; it stands in the history')
    .option('--keep-archive', 'leave the files')
    .option('--data <json>', 'data of the reset: JSON, @<file>, or - for stdin')
    .option('--key <key>', keyHelp)
    .option('--yes', 'do not ask')
    .action(async (id: string, options: ResetOptions, command: Command) =>
      (await import('./job/remove.ts')).reset(context, command, id, options),
    );
  withService(job.command('cancel <id>'))
    .description('remove a job that nothing has happened to since its creation')
    .option('--key <key>', keyHelp)
    .option('--yes', 'do not ask')
    .action(async (id: string, options: RemovalOptions, command: Command) =>
      (await import('./job/remove.ts')).cancel(context, command, id, options),
    );
  withService(job.command('rm <id>'))
    .description('delete a job for good, and clean the links to it; its files stay (admins)')
    .requiredOption('--reason <text>', 'why; it stands in the tombstone')
    .option('--key <key>', keyHelp)
    .option('--yes', 'do not ask')
    .action(async (id: string, options: RemovalOptions & { reason: string }, command: Command) =>
      (await import('./job/remove.ts')).remove(context, command, id, options),
    );
}

const keyHelp = 'idempotency key: repeated under it, the request is applied once';

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];
