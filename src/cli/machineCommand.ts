import type { Command } from 'commander';
import type { CommandContext, Io } from './io.ts';
import { openClient, withService, type ServiceOptions } from './service.ts';

/** `machine <verb>`: the machines that the service knows. */
export function addMachine(program: Command, { io }: CommandContext): void {
  const machine = program.command('machine').description('Look at machines.');
  withService(machine.command('ls'))
    .description('list the machines that the service knows')
    .action(async (options: ServiceOptions) => list(io, options));
  withService(machine.command('show <name>'))
    .description('show the states and events of a machine (<name> or <name>@<version>)')
    .action(async (name: string, options: ServiceOptions) => show(io, name, options));
  machine
    .command('diagram <name>')
    .description('print the diagram of a machine as Mermaid text')
    .option('--url <url>', 'the service; default: JOBWRIGHT_URL, else where serve listens')
    .action(async (name: string, options: ServiceOptions) => {
      const client = await openClient(io, options);
      const { mermaid } = await client.machine(name, { signal: io.signal });
      const { showText } = await import('./showText.ts');
      io.stdout.write(
        `${mermaid
          .trimEnd()
          .split('\n')
          .map((line) => showText(line))
          .join('\n')}\n`,
      );
    });
}

async function list(io: Io, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const answer = await client.machines({ signal: io.signal });
  const { print } = await import('./print.ts');
  print(io, options, answer, (view) => {
    const rows = answer.machines.map(({ name, version, states, events, description = '' }) => [
      name,
      version,
      String(states.length),
      String(events.length),
      description,
    ]);
    view.table(['name', 'version', 'states', 'events', 'description'], rows);
  });
}

async function show(io: Io, name: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const machine = await client.machine(name, { signal: io.signal });
  const { print } = await import('./print.ts');
  print(io, options, machine, (view) => {
    view.pairs([
      ['name', `${machine.name}@${machine.version}`],
      ['description', machine.description ?? ''],
      ['starts in', machine.initial],
      ['pipeline', machine.pipeline],
    ]);
    view.line('');
    view.table(
      ['state', 'events'],
      machine.states.map(({ name: state, events }) => [state, events.join(' ')]),
    );
    view.line('');
    view.table(
      ['event', 'who may send it'],
      machine.events.map(({ name: event, who }) => [event, who.join(', ')]),
    );
  });
}
