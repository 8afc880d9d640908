import type { BigIntStats } from 'node:fs';
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { basename, dirname } from 'node:path/posix';
import { ArchivePathRefused } from '../errors.ts';
import { hold, type HeldDirectory } from './hold.ts';
import { hasCode, unlessMissing } from './unlessMissing.ts';

/** Group rights are the operator's to give or to take, by the process's umask; others never write. */
export const DIRECTORY_MODE = 0o775;

/** A real directory: no component between the root and it is a link. */
export interface FoundDirectory {
  /** A path to it that goes through no link, good while its parent is held. */
  readonly place: string;
  readonly stats: BigIntStats;
}

/** What to do about a component that is not there. */
export type Missing = 'stop' | 'make';

/**
 * Finds the directory of a checked virtual path below a real root, and does something with it.
 *
 * Refuses a component that is a link, even one that stays inside the root, and one that is not a
 * directory; what exists is looked at before anything missing is made. Nothing is done and `undefined`
 * comes back where a component is missing or, if it is to be made, vanished again at once.
 */
export const descend = async <T>(
  root: string,
  path: string,
  missing: Missing,
  work: (found: FoundDirectory) => Promise<T>,
): Promise<T | undefined> => {
  const walk = { root, path, missing };
  return inParent(walk, path, async (parent) => {
    const found = await look(walk, path, parent);
    return found && work(found);
  });
};

/**
 * The same for the directory around `at`, a checked virtual path or one that leads there. It stays held
 * until the work is done: see `hold` for what that rules out.
 */
export const inParent = async <T>(
  walk: Walk,
  at: string,
  work: (parent: HeldDirectory) => Promise<T>,
): Promise<T | undefined> => {
  const above = dirname(at);
  const directory = above === '/' ? walk.root : join(walk.root, above);
  let held = await hold(directory);
  if (typeof held === 'string' && above !== '/') {
    // Not as it should be. One step up it shows why, or it is made there.
    const found = await inParent(walk, above, (parent) => look(walk, above, parent));
    if (!found) return undefined;
    held = await hold(directory);
  }
  if (held === 'missing') return undefined;
  if (held === 'elsewhere') {
    throw new ArchivePathRefused(walk.path, 'its directory is really another one');
  }
  try {
    return await work(held);
  } finally {
    held.close();
  }
};

/** A way down from a real root, which `path` asked for. */
export interface Walk {
  readonly root: string;
  readonly path: string;
  readonly missing: Missing;
}

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

const look = async (
  { path, missing }: Walk,
  at: string,
  parent: HeldDirectory,
): Promise<FoundDirectory | undefined> => {
  const place = parent.at(basename(at));
  let stats = await unlessMissing(lstat(place, { bigint: true }));
  if (!stats && missing === 'make') stats = await make(place);
  if (!stats) return undefined;
  refuseUnlessDirectory(path, at, stats);
  return { place, stats };
};

const make = async (place: string): Promise<BigIntStats | undefined> => {
  try {
    await mkdir(place, { mode: DIRECTORY_MODE });
  } catch (error) {
    // EEXIST: another caller was faster. ENOENT: the parent vanished; the caller looks again.
    if (!hasCode(error, 'EEXIST', 'ENOENT')) throw error;
  }
  return unlessMissing(lstat(place, { bigint: true }));
};
