import type { BigIntStats } from 'node:fs';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchivePathRefused } from '../errors.ts';
import { hasCode, unlessMissing } from './unlessMissing.ts';

/** Group rights are the operator's to give or to take, by the process's umask; others never write. */
export const DIRECTORY_MODE = 0o775;

/** A real directory: no component between the root and it is a link. */
export interface FoundDirectory {
  readonly directory: string;
  readonly stats: BigIntStats;
}

/**
 * Walks from the real root down to a checked virtual path, component by component.
 *
 * Refuses a component that is a link, even one that stays inside the root, and one that is not a
 * directory; what exists is looked at before anything missing is made. A missing component ends the
 * walk with `undefined`, or is made where `missing` says so; then `undefined` means that it vanished
 * again at once.
 */
export const descend = async (
  root: string,
  path: string,
  missing: 'stop' | 'make',
): Promise<FoundDirectory | undefined> => {
  let directory = root;
  let stats: BigIntStats | undefined;
  for (const segment of path.slice(1).split('/')) {
    directory = join(directory, segment);
    stats = await unlessMissing(lstat(directory, { bigint: true }));
    if (!stats && missing === 'make') stats = await make(directory);
    if (!stats) return undefined;
    refuseUnlessDirectory(path, directory.slice(root.length), stats);
  }
  if (!stats) return undefined;
  return (await isReal(directory, path)) ? { directory, stats } : undefined;
};

/** Throws ArchivePathRefused if `stats` are not those of a directory. `at` is the virtual place. */
export const refuseUnlessDirectory = (
  path: string,
  at: string,
  stats: Pick<BigIntStats, 'isSymbolicLink' | 'isDirectory'>,
): void => {
  if (stats.isSymbolicLink()) {
    throw new ArchivePathRefused(path, `${at} is a link; put a directory in its place`);
  }
  if (!stats.isDirectory()) throw new ArchivePathRefused(path, `${at} is not a directory`);
};

const make = async (directory: string): Promise<BigIntStats | undefined> => {
  try {
    await mkdir(directory, { mode: DIRECTORY_MODE });
  } catch (error) {
    // EEXIST: another caller was faster. ENOENT: the parent vanished; the caller looks again.
    if (!hasCode(error, 'EEXIST', 'ENOENT')) throw error;
  }
  return unlessMissing(lstat(directory, { bigint: true }));
};

/** Catches a link that came in during the walk, and a second spelling where case is ignored. */
const isReal = async (directory: string, path: string): Promise<boolean> => {
  const real = await unlessMissing(realpath(directory));
  if (real !== undefined && real !== directory) {
    throw new ArchivePathRefused(path, 'its directory is really another one');
  }
  return real !== undefined;
};
