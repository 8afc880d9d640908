import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { ClaimedJob } from '../records/workerProtocol.ts';
import { createCapture } from './capture.ts';
import { codeOf, messageOf } from './fault.ts';
import type { Done, Run } from './run.ts';
import { RunFailed } from './runFailed.ts';
import { splitCommand } from './splitCommand.ts';

export interface ProgramOptions {
  /**
   * The program and its words; quotes as in a shell, but no shell is started. In each word `{input}` stands
   * for the job's `data.input` (JSON, or the text itself where it is one), `{id}`, `{epoch}` and `{archive}`
   * for the job's id, the number of the claim and the job's archive path.
   */
  readonly command: string;
  /** Milliseconds after which the program is ended. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Bytes of stdout, and of stderr, of which the middle is left out when there are more. Default: 1 MiB. */
  readonly maxOutputBytes?: number | undefined;
  readonly cwd?: string | undefined;
  /** Of the program; JOBWRIGHT_JOB_ID and JOBWRIGHT_EPOCH are added. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

const usualOutputBytes = 1024 * 1024;
/** A timer of more would fire at once. */
const longestTimerMs = 2 ** 31 - 1;
/** How long a program has to end by itself once it is told to. */
const killAfterMs = 5_000;
/** What it has left behind may keep its outputs open: so long they are read once it has ended. */
const closeAfterMs = 1_000;

/**
 * A run that starts a program for each job, with the input as JSON on its stdin too. Exit code 0 is success:
 * the result is the JSON object that its stdout, or its last line, is; absent where that is none. Else the
 * error's type is `exit_nonzero`, `killed_by_signal`, `timeout`, `not_found` or `not_started`.
 */
export function runProgram(options: ProgramOptions): Run {
  const words = splitCommand(options.command);
  return async (job, { signal }) => {
    const ended = await runOnce(words, job, options, signal);
    const { stdout, stderr } = ended;
    // Why it ended does not matter any more.
    if (signal.aborted) throw new RunFailed('aborted', messageOf(signal.reason), ended);
    const failure = failureOf(ended, options);
    if (failure) throw new RunFailed(failure[0], failure[1], ended);
    const result = documentOf(stdout);
    return { stdout, stderr, ...(result && { result }) } satisfies Done;
  };
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly isLate: boolean;
  /** It could not be started. */
  readonly error?: unknown;
}

function runOnce(
  words: readonly [string, ...string[]],
  job: ClaimedJob,
  { timeoutMs, maxOutputBytes = usualOutputBytes, cwd, env = process.env }: ProgramOptions,
  signal: AbortSignal,
): Promise<Ended> {
  const [program, ...args] = words.map((word) => fill(word, job));
  const outputs = { stdout: createCapture(maxOutputBytes), stderr: createCapture(maxOutputBytes) };
  return new Promise((resolve) => {
    const state: { isLate: boolean; error?: unknown } = { isLate: false };
    const end = (code: number | null, endedBy: NodeJS.Signals | null): void => {
      watch.stop();
      resolve({
        ...state,
        code,
        signal: endedBy,
        stdout: outputs.stdout.text(),
        stderr: outputs.stderr.text(),
      });
    };
    let watch = { stop: (): void => undefined };
    const own = { JOBWRIGHT_JOB_ID: job.id, JOBWRIGHT_EPOCH: String(job.epoch) };
    let child: ChildProcessWithoutNullStreams;
    try {
      // A group of its own, so that what it starts ends with it.
      child = spawn(program ?? '', args, { cwd, env: { ...env, ...own }, detached: true });
    } catch (error) {
      state.error = error;
      return end(null, null);
    }
    watch = endInTime(child, signal, timeoutMs, () => (state.isLate = true));
    child.once('error', (error) => {
      state.error = error;
      if (child.pid === undefined) end(null, null);
    });
    child.once('close', end);
    child.stdout.on('data', outputs.stdout.add);
    child.stderr.on('data', outputs.stderr.add);
    // It need not read what it is given.
    child.stdin.on('error', () => undefined);
    child.stdin.end(JSON.stringify(job.data['input'] ?? null));
  });
}

/** Ends the program's group when the signal is raised or its time is over: first politely. */
function endInTime(
  child: ChildProcessWithoutNullStreams,
  signal: AbortSignal,
  timeoutMs: number | undefined,
  onLate: () => void,
): { stop(): void } {
  const timers: NodeJS.Timeout[] = [];
  let isEnding = false;
  const kill = (how: NodeJS.Signals): void => {
    // Only what was started here: the group has the number of its first process.
    if (child.pid !== undefined) killGroup(child.pid, how);
  };
  const endIt = (): void => {
    if (isEnding) return;
    isEnding = true;
    kill('SIGTERM');
    timers.push(setTimeout(() => kill('SIGKILL'), killAfterMs));
  };
  const late = (): void => {
    onLate();
    endIt();
  };
  const endAfter = (left: number): void => {
    const next = (): void => (left > longestTimerMs ? endAfter(left - longestTimerMs) : late());
    timers.push(setTimeout(next, Math.min(left, longestTimerMs)));
  };
  if (timeoutMs !== undefined) endAfter(timeoutMs);
  signal.addEventListener('abort', endIt, { once: true });
  if (signal.aborted) endIt();
  child.once('exit', () => {
    if (isEnding) kill('SIGKILL');
    timers.push(
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, closeAfterMs),
    );
  });
  return {
    stop() {
      timers.forEach(clearTimeout);
      signal.removeEventListener('abort', endIt);
    },
  };
}

function killGroup(leader: number, how: NodeJS.Signals): void {
  try {
    process.kill(-leader, how);
  } catch (error) {
    // Nobody is left of it.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

function fill(word: string, { id, epoch, archivePath, data }: ClaimedJob): string {
  const input = data['input'] ?? null;
  const values: Readonly<Record<string, string>> = {
    input: typeof input === 'string' ? input : JSON.stringify(input),
    id,
    epoch: String(epoch),
    archive: archivePath,
  };
  return word.replace(/\{(input|id|epoch|archive)\}/g, (_all, name: string) => values[name] ?? '');
}

/** The class of the error and its message; undefined where it went well. */
function failureOf(
  { code, signal, isLate, error, stderr }: Ended,
  { timeoutMs, command }: ProgramOptions,
): readonly [type: string, message: string] | undefined {
  if (error !== undefined) {
    const type = codeOf(error) === 'ENOENT' ? 'not_found' : 'not_started';
    return [type, `${command} could not be started: ${messageOf(error)}`];
  }
  if (isLate) return ['timeout', withLastLines(`it ran longer than ${timeoutMs} ms`, stderr)];
  if (signal) return ['killed_by_signal', withLastLines(`it was ended by ${signal}`, stderr)];
  if (code !== 0) return ['exit_nonzero', withLastLines(`it ended with code ${code}`, stderr)];
  return undefined;
}

function withLastLines(what: string, stderr: string): string {
  const lines = stderr.trimEnd().split('\n').slice(-5).join('\n').slice(-1_000);
  return lines === '' ? what : `${what}: ${lines}`;
}

/** The JSON object that the whole text is, or else its last line. */
function documentOf(text: string): Readonly<Record<string, unknown>> | undefined {
  const whole = text.trim();
  return parseObject(whole) ?? parseObject(whole.slice(whole.lastIndexOf('\n') + 1));
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    // It starts as an object, so it is one.
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
