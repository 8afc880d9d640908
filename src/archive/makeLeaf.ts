import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DIRECTORY_MODE } from './descend.ts';

/**
 * Makes a new directory in the usual case, that its parent is there and no part of it below the root,
 * which really is at `real`, is a link: two calls of the file system instead of two a component. False
 * where it is not as simple as that; then nothing was made, and the walk decides and tells what is wrong.
 */
export const makeLeaf = async (root: string, real: string, path: string): Promise<boolean> => {
  const directory = join(real, path);
  try {
    if ((await realpath(join(root, dirname(path)))) !== dirname(directory)) return false;
    await mkdir(directory, { mode: DIRECTORY_MODE });
    return true;
  } catch {
    return false;
  }
};
