import { JobwrightClient } from '../../client/jobwrightClient.ts';
import { runProgram } from '../../worker/runProgram.ts';
import { createWorker, type Worker } from '../../worker/worker.ts';
import type { WorkerEvent } from '../../worker/workerEvent.ts';
import { exitCodes } from '../exitCode.ts';
import type { Io } from '../io.ts';
import { serviceUrl, tokenSource, type ServiceOptions } from '../service.ts';
import { showJson, showText } from '../showText.ts';

export interface RunOptions extends ServiceOptions {
  readonly exec: string;
  readonly name?: string;
  readonly tags?: string;
  readonly programs?: string;
  readonly lease?: number;
  readonly concurrency?: number;
  readonly timeout?: number;
  readonly maxOutput?: number;
  readonly cwd?: string;
  readonly once?: boolean;
}

/**
 * Runs a worker until it is interrupted, or with `--once` until there is nothing to claim; resolves to the
 * exit code. The first interruption lets running programs end, the second one ends them.
 */
export async function run(io: Io, options: RunOptions): Promise<number> {
  const { exec, timeout, maxOutput, cwd, concurrency, lease, name } = options;
  const client = new JobwrightClient({
    url: serviceUrl(io.env, options.url),
    token: await tokenSource(io.env, 'worker'),
    // The worker itself asks again, and knows what for.
    retries: 0,
  });
  const worker = createWorker({
    workers: client.workers,
    run: runProgram({ command: exec, timeoutMs: timeout, maxOutputBytes: maxOutput, cwd }),
    name,
    tags: options.tags === undefined ? undefined : split(options.tags),
    programs: readPrograms(options.programs),
    leaseSeconds: lease,
    concurrency,
    untilEmpty: options.once,
    onEvent: (event) => tell(io, options, event),
  });
  stopWhenTold(io, worker);
  await worker.start();
  await worker.ended;
  return io.patience?.hurry.aborted ? exitCodes.interrupted : exitCodes.ok;
}

function stopWhenTold({ signal, patience, stderr }: Io, worker: Worker): void {
  patience?.ask();
  const drain = (): void => {
    stderr.write('claiming no more; what runs may end (interrupt again to end it)\n');
    void worker.stop();
  };
  const abort = (): void => void worker.stop({ drain: false });
  if (signal.aborted) drain();
  signal.addEventListener('abort', drain, { once: true });
  patience?.hurry.addEventListener('abort', abort, { once: true });
}

/** `p=1.0,q`: a program whose version is not told has any. */
function readPrograms(text: string | undefined): Readonly<Record<string, string>> | undefined {
  if (text === undefined) return undefined;
  const pairs = split(text).map((part) => {
    const equals = part.indexOf('=');
    return equals < 0 ? [part, 'any'] : [part.slice(0, equals), part.slice(equals + 1)];
  });
  return Object.fromEntries(pairs) as Record<string, string>;
}

const split = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function tell(io: Io, { json }: RunOptions, event: WorkerEvent): void {
  const at = new Date().toISOString();
  if (json) io.stdout.write(`${showJson({ at, ...event })}\n`);
  else io.stderr.write(`${at}  ${showText(describe(event))}\n`);
}

function describe(event: WorkerEvent): string {
  switch (event.event) {
    case 'activated':
      return `worker ${event.worker} is active`;
    case 'claimed':
      return `${event.id}  claimed (${event.epoch})`;
    case 'reported':
      return `${event.id}  ${event.outcome} → ${event.state}`;
    case 'refused':
      return `${event.id}  refused: ${event.code}: ${event.message}`;
    case 'abandoned':
      return `${event.id}  taken away: it is ${event.state}`;
    case 'lost':
      return `worker ${event.worker} was silent for too long (${event.code}); what it ran is dropped`;
    case 'trouble':
      return `${event.call} failed: ${event.code}: ${event.message}`;
    case 'stopped':
      return `worker ${event.worker} has stopped`;
  }
}
