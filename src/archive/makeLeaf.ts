import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DIRECTORY_MODE } from './descend.ts';

/**
 * Makes a new directory in the usual case, that its parent is there and no part of it is a link: four
 * calls of the file system instead of two a component. False where it is not as simple as that, and
 * then nothing was made that the walk would not make; it decides, and tells what is wrong.
 */
export const makeLeaf = async (root: string, path: string): Promise<boolean> => {
  try {
    const [real, parent] = await Promise.all([realpath(root), realpath(join(root, dirname(path)))]);
    const directory = join(real, path);
    if (parent !== dirname(directory)) return false;
    await mkdir(directory, { mode: DIRECTORY_MODE });
    // Catches a link that came in meanwhile.
    return (await realpath(directory)) === directory;
  } catch {
    return false;
  }
};
