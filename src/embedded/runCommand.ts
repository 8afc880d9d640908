import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface CommandOptions {
  readonly env: NodeJS.ProcessEnv;
  /** The command is killed after this long, whatever it does. */
  readonly limitMilliseconds: number;
  /** Killed when it has not written a line of stdout by then. */
  readonly firstLineMilliseconds?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with each line of stdout. */
  readonly onLine?: (line: string) => void;
}

/**
 * Runs a program to its end and resolves to its stdout. Rejects with its last words when it fails,
 * and never outlasts its limit or the signal.
 */
export const runCommand = (
  file: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> =>
  new Promise((resolve, reject) => {
    options.signal?.throwIfAborted();
    const child = spawn(file, [...args], {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    const output: string[] = [];
    let errors = '';
    let killedBecause: unknown;
    const kill = (reason: unknown): void => {
      killedBecause ??= reason;
      child.kill('SIGKILL');
      // A grandchild may still hold the pipes; nobody waits for it.
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const limit = killAfter(options.limitMilliseconds, kill, 'it had not ended');
    const firstLine = killAfter(options.firstLineMilliseconds, kill, 'nothing came');
    const abort = (): void => kill(options.signal?.reason);
    options.signal?.addEventListener('abort', abort, { once: true });
    const finish = (settle: () => void): void => {
      clearTimeout(limit);
      clearTimeout(firstLine);
      options.signal?.removeEventListener('abort', abort);
      settle();
    };

    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4_000);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      clearTimeout(firstLine);
      output.push(line);
      options.onLine?.(line);
    });
    child.once('error', (error) => finish(() => reject(error)));
    child.once('close', (code, signal) => {
      if (killedBecause !== undefined) return finish(() => reject(asError(killedBecause)));
      if (code === 0) return finish(() => resolve(output.join('\n')));
      const end = signal ? `was killed by ${signal}` : `ended with code ${code}`;
      const said = lastWords(errors) || lastWords(output.join('\n'));
      finish(() => reject(new Error(said ? `${said} (${end})` : end)));
    });
  });

const killAfter = (
  milliseconds: number | undefined,
  kill: (reason: Error) => void,
  what: string,
): NodeJS.Timeout | undefined =>
  milliseconds === undefined
    ? undefined
    : setTimeout(
        () => kill(new Error(`${what} within ${milliseconds / 1_000} s; it was given up`)),
        milliseconds,
      );

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason));

/** The last line that says something, on one line and short. */
const lastWords = (text: string): string => {
  const lines = text.split('\n').map((line) => line.trim());
  const line = lines.findLast((candidate) => candidate !== '') ?? '';
  return line.length <= 300 ? line : `${line.slice(0, 297)}...`;
};
