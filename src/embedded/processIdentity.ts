import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process, told apart from a later one that was given the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started; only ever compared. Includes the boot on Linux. */
  readonly started: string;
}

/** The process that has this pid now, or undefined when none is alive (a zombie is not). */
export const identifyProcess = (pid: number): ProcessIdentity | undefined => {
  const found = process.platform === 'linux' ? readProc(pid) : askPs(pid);
  return found && !found.state.startsWith('Z') && !found.state.startsWith('X')
    ? { pid, started: found.started }
    : undefined;
};

/** Whether this very process still lives; false once its pid belongs to another. */
export const isAlive = ({ pid, started }: ProcessIdentity): boolean =>
  identifyProcess(pid)?.started === started;

/** Signals this very process, never another that got its pid; false when it is gone. */
export const signalProcess = (target: ProcessIdentity, signal: NodeJS.Signals): boolean => {
  if (!isAlive(target)) return false;
  try {
    return process.kill(target.pid, signal);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
};

/** The command line of a process with its arguments joined by blanks; empty when there is none. */
export const commandLineOf = (pid: number): string => {
  if (process.platform !== 'linux') return runPs(pid, 'command=');
  const text = readFileOrNothing(`/proc/${pid}/cmdline`);
  return text.split('\0').join(' ').trim();
};

interface FoundProcess {
  readonly state: string;
  readonly started: string;
}

const readProc = (pid: number): FoundProcess | undefined => {
  const text = readFileOrNothing(`/proc/${pid}/stat`);
  if (text === '') return undefined;
  // The name stands in brackets and may hold brackets and blanks itself; the state follows it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const boot = readFileOrNothing('/proc/sys/kernel/random/boot_id').trim();
  return { state: fields[0] ?? '', started: `${boot}/${fields[19] ?? ''}` };
};

const askPs = (pid: number): FoundProcess | undefined => {
  const [state, ...started] = runPs(pid, 'state=,lstart=').split(/\s+/);
  return state ? { state, started: started.join(' ') } : undefined;
};

const runPs = (pid: number, format: string): string => {
  try {
    return execFileSync('ps', ['-ww', '-o', format, '-p', String(pid)], {
      encoding: 'utf8',
      // The start is told in local time and language otherwise.
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch (error) {
    // ps fails when no process has the pid, and where there is no ps nothing can be recognised.
    if (error instanceof Error) return '';
    throw error;
  }
};

const readFileOrNothing = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isGone(error)) return '';
    throw error;
  }
};

/** A process may end between two looks at it: its folder is gone, or its files no longer answer. */
const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH', 'EACCES'].includes(String((error as NodeJS.ErrnoException).code));
