import { lstat, mkdir, readdir, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ArchivePathRefused, InvalidConfiguration } from '../errors.ts';
import { checkArchivePath, findPathProblem } from './archivePath.ts';
import { descend, type FoundDirectory } from './descend.ts';
import { emptyDirectory, makeDirectory } from './emptyDirectory.ts';
import { makeLeaf } from './makeLeaf.ts';
import { isTrash, openTrash, removeTree, TRASH } from './trash.ts';
import { hasCode, unlessMissing } from './unlessMissing.ts';

const ROOT_MODE = 0o755;

/**
 * The job directories under one root. Every method checks the text of its path first and refuses with
 * ArchivePathRefused, before anything is touched, a path that runs through a link or a file. The root
 * itself may be reached through links; that is the operator's choice. Other errors of the file system
 * (EACCES, ENOSPC, EXDEV, EBUSY …) come through unchanged.
 */
export interface Archive {
  /** The absolute directory of a virtual path, by text alone. */
  resolve(path: string): string;
  /** Makes the directory and its parents, the root included; returns it. Making it twice is fine. */
  create(path: string): Promise<string>;
  /**
   * Removes everything inside and keeps the directory, its mode and its owner; a missing one is made.
   * Links are removed, never followed. `removed` counts the files, links and directories that this
   * call removed. Repeat it after a crash. The whole root must be one file system. Where something in
   * it cannot be removed, the error comes once the directory is empty: the rest waits in the trash.
   */
  empty(path: string): Promise<{ readonly removed: number }>;
  /** Regular files in and below the directory, relative, sorted; links are left out. Missing: none. */
  list(path: string): Promise<readonly string[]>;
  /** Removes what crashes left in the trash and returns how many pieces; safe while others empty. */
  sweepTrash(): Promise<number>;
}

/** Opens the archive without touching the disk. Refuses an empty root and an unsafe prefix. */
export const openArchive = (options: {
  readonly root: string;
  readonly prefixes: readonly string[];
}): Archive => {
  const root = checkRoot(options.root);
  const prefixes = checkPrefixes(options.prefixes);
  const check = (path: string): string => checkArchivePath(path, prefixes);
  /** Where the root was when it was last opened; it may move. */
  let lastReal: string | undefined;
  return {
    resolve: (path) => join(root, check(path)),
    create: async (path) => {
      const checked = check(path);
      if (lastReal === undefined || !(await makeLeaf(root, lastReal, checked))) {
        const real = await openRoot(root);
        lastReal = real;
        await refusing(checked, makeDirectory(real, checked));
      }
      return join(root, checked);
    },
    empty: async (path) => {
      const checked = check(path);
      const real = await openRoot(root);
      return { removed: await refusing(checked, emptyDirectory(real, checked)) };
    },
    list: async (path) => {
      const checked = check(path);
      const real = await unlessMissing(realpath(root));
      if (real === undefined) return [];
      const names: string[] = [];
      const add = ({ place }: FoundDirectory) => addFiles(place, '', names);
      await refusing(checked, descend(real, checked, 'stop', add));
      return names.sort();
    },
    sweepTrash: async () => {
      const real = await unlessMissing(realpath(root));
      if (real === undefined || !(await unlessMissing(lstat(join(real, TRASH))))) return 0;
      return sweep(await openTrash(real));
    },
  };
};

const checkRoot = (root: string): string => {
  if (root.trim() === '') throw new InvalidConfiguration('JOBWRIGHT_ARCHIVE_ROOT', 'it is empty');
  return resolve(root);
};

const checkPrefixes = (prefixes: readonly string[]): readonly string[] => {
  for (const prefix of prefixes) {
    const [, first = ''] = prefix.split('/');
    const problem = first.toLowerCase() === TRASH ? 'it is the trash' : findPathProblem(prefix);
    if (problem !== undefined) {
      throw new InvalidConfiguration(
        'JOBWRIGHT_ARCHIVE_PREFIXES',
        `${JSON.stringify(prefix)} cannot be a prefix: ${problem}. Give absolute paths such as /products/v2`,
      );
    }
  }
  return [...prefixes];
};

/** The real root, made on first use. */
const openRoot = async (root: string): Promise<string> => {
  let real = await unlessMissing(realpath(root));
  if (real === undefined) {
    await mkdir(root, { recursive: true, mode: ROOT_MODE });
    real = await realpath(root);
  }
  if (!(await stat(real)).isDirectory()) {
    throw new InvalidConfiguration('JOBWRIGHT_ARCHIVE_ROOT', `${root} is not a directory`);
  }
  return real;
};

/** What changes under our feet after the walk shows as one of these; it is as unsafe as before. */
const refusing = async <T>(path: string, work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (!hasCode(error, 'ENOTDIR', 'ELOOP')) throw error;
    throw new ArchivePathRefused(path, 'a part of it is not a directory', { cause: error });
  }
};

const addFiles = async (directory: string, below: string, names: string[]): Promise<void> => {
  const entries = await unlessMissing(readdir(join(directory, below), { withFileTypes: true }));
  for (const entry of entries ?? []) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) await addFiles(directory, name, names);
    else if (entry.isFile()) names.push(name);
  }
};

/** Goes on past a piece that cannot be removed, so that one never keeps the others; then throws. */
const sweep = async (trash: string): Promise<number> => {
  const failures: unknown[] = [];
  let swept = 0;
  for (const name of await readdir(trash)) {
    const entry = join(trash, name);
    if (!(await isTrash(entry))) continue;
    try {
      await removeTree(trash, entry);
      swept += 1;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return swept;
};
