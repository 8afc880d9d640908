import type { Command } from 'commander';
import type { JobwrightClient } from '../../client/jobwrightClient.ts';
import { canAsk, confirm } from '../confirm.ts';
import { exitCodes } from '../exitCode.ts';
import type { CommandContext } from '../io.ts';
import { print } from '../print.ts';
import { readData } from '../readData.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { showText } from '../showText.ts';

export interface RemovalOptions extends ServiceOptions {
  readonly key?: string;
  readonly yes?: boolean;
}

export interface ResetOptions extends RemovalOptions {
  readonly reason: string;
  readonly data?: string;
  readonly keepArchive?: boolean;
}

/** Resets a job once that is confirmed. */
export async function reset(
  context: CommandContext,
  command: Command,
  id: string,
  options: ResetOptions,
): Promise<void> {
  const { io } = context;
  const { reason, keepArchive } = options;
  requirePerson(context, command, options);
  const data = await readData(io, '--data', options.data);
  const client = await openClient(io, options, 'admin');
  const what = keepArchive ? 'Its files stay.' : 'The files of its archive directory are removed.';
  const agreed = await agree(context, client, id, options, { verb: 'Reset', what });
  if (!agreed) return;
  const input = { reason, ...(data && { data }), ...(keepArchive && { keepArchive }) };
  const answer = await client.reset(id, input, agreed);
  print(io, options, answer, (view) => view.line(`${id} is in ${answer.job.state} again`));
}

/** Cancels a job once that is confirmed. */
export async function cancel(
  context: CommandContext,
  command: Command,
  id: string,
  options: RemovalOptions,
): Promise<void> {
  requirePerson(context, command, options);
  const client = await openClient(context.io, options);
  const what = 'It is removed, as if it had never been.';
  const agreed = await agree(context, client, id, options, { verb: 'Cancel', what });
  if (!agreed) return;
  const answer = await client.cancel(id, agreed);
  print(context.io, options, answer, (view) => view.line(`${id} is cancelled`));
}

/** Deletes a job once that is confirmed. */
export async function remove(
  context: CommandContext,
  command: Command,
  id: string,
  options: RemovalOptions & { readonly reason: string },
): Promise<void> {
  const { reason } = options;
  requirePerson(context, command, options);
  const client = await openClient(context.io, options, 'admin');
  const what = 'Its data is gone for good, and the links to it are cleaned; its files stay.';
  const agreed = await agree(context, client, id, options, { verb: 'Delete', what });
  if (!agreed) return;
  const answer = await client.delete(id, { reason }, agreed);
  print(context.io, options, answer, (view) =>
    view.line(`${id} is deleted; it was linked in ${answer.linksRemoved} places`),
  );
}

function requirePerson({ io }: CommandContext, command: Command, { yes }: RemovalOptions): void {
  if (yes || canAsk(io)) return;
  command.error(`error: this asks first, and there is no terminal to ask on; add --yes`);
}

/** How to send what was agreed to: only on the job as the person saw it. Undefined: it was declined. */
async function agree(
  { io, exit }: CommandContext,
  client: JobwrightClient,
  id: string,
  { yes, key }: RemovalOptions,
  { verb, what }: { readonly verb: string; readonly what: string },
) {
  const { signal } = io;
  if (yes) return { key, signal };
  const { type, state, version } = await client.job(id, { signal });
  const question = `${verb} job ${showText(id)} (${showText(type)}, ${showText(state)})? ${what}`;
  if (await confirm(io, question)) return { key, signal, ifVersion: version };
  signal.throwIfAborted();
  io.stderr.write('nothing was done\n');
  return exit(exitCodes.failure);
}
