import type { OutputName } from '../../client/wire.ts';
import type { Io } from '../io.ts';
import { print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { showJson, showText } from '../showText.ts';

export interface OutputOptions extends ServiceOptions {
  readonly attempt?: number;
  readonly name?: string;
}

/** The attempts at a record that ended. */
export async function attempts(io: Io, id: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const found = await client.attempts(id, { signal: io.signal });
  print(io, options, found, (view) => {
    const heading = ['attempt', 'outcome', 'worker', 'started', 'ended', 'outputs', 'error'];
    const rows = found.attempts.map((one) => [
      String(one.attempt),
      one.outcome,
      one.worker ?? '–',
      one.startedAt,
      one.endedAt,
      Object.entries(one.outputs)
        .map(([name, { bytes }]) => `${name} ${bytes}`)
        .join(', '),
      one.error === null ? '' : `${one.error.type}: ${one.error.message}`,
    ]);
    view.table(heading, rows);
  });
}

/** What an attempt left: a text as it is, but made safe for a terminal; a result as JSON. */
export async function output(io: Io, id: string, options: OutputOptions): Promise<void> {
  const { name = 'result' } = options;
  const attempt = options.attempt ?? ('latest' as const);
  const client = await openClient(io, options);
  // What names there are is for the service to say.
  const choice = { attempt, name: name as OutputName };
  const given: unknown = await client.output(id, choice, { signal: io.signal });
  if (typeof given !== 'string' || name === 'result') io.stdout.write(`${showJson(given)}\n`);
  else io.stdout.write(io.stdout.isTTY ? showLines(given) : given);
}

const showLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => showText(line))
    .join('\n');
