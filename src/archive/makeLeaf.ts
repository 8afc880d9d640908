import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { basename, dirname } from 'node:path/posix';
import { DIRECTORY_MODE } from './descend.ts';
import { hold } from './hold.ts';

/**
 * Makes a new directory in the usual case, that its parent is there and no part of it below the root,
 * which really is at `real`, is a link: its parent is held and it is made, without a look at each
 * component. False where it is not as simple as that; then nothing was made, and the walk decides and
 * tells what is wrong.
 */
export const makeLeaf = async (root: string, real: string, path: string): Promise<boolean> => {
  const above = dirname(path);
  try {
    const parent = await hold(join(root, above), join(real, above));
    if (typeof parent === 'string') return false;
    try {
      await mkdir(parent.at(basename(path)), { mode: DIRECTORY_MODE });
      return true;
    } finally {
      parent.close();
    }
  } catch {
    return false;
  }
};
