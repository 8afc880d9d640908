import type { ClaimedJob, Result } from '../records/workerProtocol.ts';
import { createCapture, shorten } from './capture.ts';
import { messageOf } from './fault.ts';
import type { Done, Run, RunTools } from './run.ts';

/** Bytes of logged lines that are kept. */
const logBytes = 1024 * 1024;
/** What the machines take in as a message and as a class of errors. */
const messageCharacters = 4_000;
const typeCharacters = 64;

/** Does a job's work once, and makes a report of whatever comes of it; never throws. */
export async function attempt(
  run: Run,
  job: ClaimedJob,
  tools: Pick<RunTools, 'signal' | 'progress'>,
): Promise<Result> {
  const { id, epoch } = job;
  const logged = createCapture(logBytes);
  const log = (line: string): void => logged.add(Buffer.from(`${line}\n`));
  try {
    const done = (await run(job, { ...tools, log })) ?? {};
    return { id, epoch, outcome: 'complete', ...resultOf(done), ...textsOf(logged.text(), done) };
  } catch (error) {
    const texts = textsOf(logged.text(), outputsOf(error));
    return { id, epoch, outcome: 'error', error: errorOf(error), ...texts };
  }
}

function resultOf({ result }: Done): Pick<Result, 'result'> {
  if (result === undefined) return {};
  try {
    if (JSON.stringify(result) !== undefined) return { result };
  } catch (cause) {
    throw invalidResult(messageOf(cause), cause);
  }
  throw invalidResult(`a ${typeof result}`);
}

const invalidResult = (what: string, cause?: unknown): Error =>
  Object.assign(new Error(`the result is no JSON: ${what}`, { cause }), { type: 'invalid_result' });

function textsOf(
  logged: string,
  { stdout, stderr }: { readonly stdout?: unknown; readonly stderr?: unknown },
): Pick<Result, 'stdout' | 'stderr'> {
  const out = `${logged}${typeof stdout === 'string' ? stdout : ''}`;
  return {
    ...(out !== '' && { stdout: out.toWellFormed() }),
    ...(typeof stderr === 'string' && stderr !== '' && { stderr: stderr.toWellFormed() }),
  };
}

/** A RunFailed has them, and so may any error. */
const outputsOf = (error: unknown): { readonly stdout?: unknown; readonly stderr?: unknown } =>
  typeof error === 'object' && error !== null ? error : {};

function errorOf(error: unknown): { type: string; message: string } {
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  const named = typeof type === 'string' && type.length > 0 ? type : 'unknown_error';
  const message = messageOf(error) || 'it gives no reason';
  return {
    type: named.slice(0, typeCharacters),
    message: shorten(message, messageCharacters - 100),
  };
}
