import type { StreamEntry, StreamFilter } from '../../client/wire.ts';
import type { JobwrightClient } from '../../client/jobwrightClient.ts';
import { JobNotFound } from '../../errors.ts';
import { exitCodes } from '../exitCode.ts';
import type { Io } from '../io.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { showJson, showText } from '../showText.ts';
import { createView } from '../print.ts';

export interface WatchOptions extends ServiceOptions, StreamFilter {
  readonly until?: string;
  readonly lastEventId?: string;
}

/**
 * Prints entries as they are accepted, until interrupted or until the job is in a state; resolves to the
 * exit code. Throws JobNotFound where the job goes before it got there.
 */
export async function watch(
  io: Io,
  id: string | undefined,
  options: WatchOptions,
): Promise<number> {
  const { state, type, pipeline, tag, until, lastEventId } = options;
  const client = await openClient(io, options);
  // A wrong id would be watched for ever.
  if (id !== undefined) await client.job(id, { signal: io.signal });
  const ending = followEnd(io, client, id, until);
  const onBreak = (error: Error): void =>
    void io.stderr.write(`${showText(error.message)}; trying again\n`);
  const { signal, onOpen } = ending;
  const filter = { state, type, pipeline, tag };
  for await (const item of client.stream(filter, { signal, lastEventId, onOpen, onBreak })) {
    if (item.gap) {
      io.stderr.write('some entries could not be given; jobwright job history has them all\n');
      onOpen();
    } else if (id === undefined || item.jobId === id) {
      printEntry(io, options, item);
      if (until !== undefined && isIn(item.to, until)) return exitCodes.ok;
      if (until !== undefined && item.to === null) throw new JobNotFound(id);
    }
  }
  return ending.result();
}

/** When the job is in the state already, no entry tells so: it is asked whenever the stream opens. */
function followEnd(
  io: Io,
  client: JobwrightClient,
  id: string | undefined,
  until: string | undefined,
) {
  const ending = new AbortController();
  const { signal } = ending;
  if (io.signal.aborted) ending.abort();
  io.signal.addEventListener('abort', () => ending.abort(), { once: true });
  let outcome: { readonly error: unknown } | { readonly code: number } | undefined;
  const ask = async (job: string, state: string): Promise<void> => {
    try {
      const found = await client.job(job, { signal });
      if (!isIn(found.state, state)) return;
      outcome = { code: exitCodes.ok };
    } catch (error) {
      if (signal.aborted) return;
      outcome = { error };
    }
    ending.abort();
  };
  return {
    signal,
    onOpen: (): void => {
      if (id !== undefined && until !== undefined) void ask(id, until);
    },
    result: (): number => {
      if (!outcome) return exitCodes.interrupted;
      if ('error' in outcome) throw outcome.error;
      return outcome.code;
    },
  };
}

function printEntry(io: Io, { json }: WatchOptions, entry: StreamEntry): void {
  if (json || io.stdout.isTTY !== true) {
    io.stdout.write(`${showJson(entry)}\n`);
    return;
  }
  const { at, jobId, seq, name, from, to, actor, data } = entry;
  const shown = data === null ? '' : `  ${showJson(data, 80)}`;
  createView(io).line(
    `${at}  ${jobId}  #${seq}  ${name}  ${from ?? '–'} → ${to ?? '–'}  ${actor.kind} ${actor.id}${shown}`,
  );
}

/** The state itself, or one inside it. */
const isIn = (state: string | null, wanted: string): boolean =>
  state === wanted || (state?.startsWith(`${wanted}.`) ?? false);
