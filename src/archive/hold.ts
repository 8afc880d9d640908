import { closeSync, constants, existsSync, open, readlinkSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { hasCode } from './unlessMissing.ts';

/** A directory that was reached through no link. */
export interface HeldDirectory {
  /** A path to an entry of this directory; of the parts of it only the entry can turn into a link. */
  at(name: string): string;
  /** Lets it go; `at` leads nowhere after that. */
  close(): void;
}

/** Why a directory is not held: nothing is there, or what is there is elsewhere or no directory. */
export type NotHeld = 'missing' | 'elsewhere';

/**
 * Holds a directory if it really is at `real`, which has no link in it.
 *
 * On Linux it is held open, and paths begin at the open directory: whatever its parents turn into after
 * that, they lead into this very one. Where there is no /proc/self/fd the paths are the usual ones, so a
 * link that comes in after the look is followed; callers compare what they moved with what they saw.
 */
export const hold = async (
  directory: string,
  real = directory,
): Promise<HeldDirectory | NotHeld> =>
  (hasHandles ??= process.platform === 'linux' && existsSync(HANDLES))
    ? holdOpen(directory, real)
    : holdByName(directory, real);

const HANDLES = '/proc/self/fd';
let hasHandles: boolean | undefined;

/** Opens it only as a place, for which it need not be readable. Node does not name this flag of Linux. */
const O_PATH = 0o10000000;
const openFile = promisify(open);

/** With the two calls that never wait for a disk made at once. */
const holdOpen = async (directory: string, real: string): Promise<HeldDirectory | NotHeld> => {
  let handle: number;
  try {
    handle = await openFile(directory, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    return notHeld(error);
  }
  const at = `${HANDLES}/${handle}`;
  const close = (): void => closeSync(handle);
  try {
    const found = readlinkSync(at);
    if (found === real) return { at: (name: string) => `${at}/${name}`, close };
    close();
    return found === `${real} (deleted)` ? 'missing' : 'elsewhere';
  } catch (error) {
    close();
    throw error;
  }
};

/** The way of systems whose open directories have no path. */
export const holdByName = async (
  directory: string,
  real: string,
): Promise<HeldDirectory | NotHeld> => {
  try {
    // The dot makes it fail where the last part is a file.
    if ((await realpath(`${directory}/.`)) !== real) return 'elsewhere';
    return { at: (name: string) => join(real, name), close: () => undefined };
  } catch (error) {
    return notHeld(error);
  }
};

const notHeld = (error: unknown): NotHeld => {
  if (hasCode(error, 'ENOENT')) return 'missing';
  if (hasCode(error, 'ENOTDIR', 'ELOOP')) return 'elsewhere';
  throw error;
};
