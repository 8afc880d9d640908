import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import { chmod, chown, lstat, mkdir, open, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { basename } from 'node:path/posix';
import { ArchivePathRefused } from '../errors.ts';
import { descend, inParent, type FoundDirectory } from './descend.ts';
import { openTrash, removeTree, swappedAway, trashName } from './trash.ts';
import { hasCode, unlessMissing } from './unlessMissing.ts';

/** How often to look again when others replace the same directory at the same time. */
const ATTEMPTS = 50;

/** Makes the directory of a checked path, with its parents. See `descend` for refusals. */
export const makeDirectory = async (root: string, path: string): Promise<void> => {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (await descend(root, path, 'make', async () => true)) return;
  }
  throw new ArchivePathRefused(path, 'something else keeps removing it');
};

/**
 * Empties the directory of a checked path below a real root; returns how many entries went.
 *
 * The directory is moved aside in one step and an empty one with its mode and owner takes its place,
 * so a crash leaves it full, missing or empty, never half empty; a repeat then finishes. Access
 * lists beyond mode and owner are not carried over.
 */
export const emptyDirectory = async (root: string, path: string): Promise<number> => {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const moved = await descend(root, path, 'stop', async (found) => {
      const trash = await openTrash(root);
      return { trash, stats: found.stats, aside: await moveAside(trash, path, found) };
    });
    if (!moved) {
      await makeDirectory(root, path);
      return 0;
    }
    const { trash, stats, aside } = moved;
    if (aside === undefined) continue;
    await replaceDirectory(root, trash, path, stats);
    return removeTree(trash, aside);
  }
  throw new ArchivePathRefused(path, 'something else keeps replacing it');
};

/**
 * Moves exactly the directory that was found into the trash and returns where it is; `undefined` if
 * it is gone or another caller has replaced it: look again. Refuses, and keeps in the trash, anything
 * else that has come in its place since it was found.
 */
export const moveAside = async (
  trash: string,
  path: string,
  found: FoundDirectory,
): Promise<string | undefined> => {
  const aside = join(trash, trashName.tree(found.stats.ino));
  const moved = await unlessMissing(renameDirectory(found, aside));
  if (!moved) return undefined;

  const stats = await unlessMissing(lstat(aside, { bigint: true }));
  // Missing: a sweep took it already, which it does only after the same comparison.
  if (!stats || (stats.isDirectory() && stats.ino === found.stats.ino)) return aside;
  // Not what was looked at. Back where the path leads now may be the wrong place, so it stays here
  // and is told; only the empty directory of another caller who was faster can go.
  try {
    await unlessMissing(rmdir(aside));
  } catch (error) {
    throw swappedAway(path, aside, error);
  }
  return undefined;
};

const renameDirectory = async (found: FoundDirectory, aside: string) => {
  try {
    await rename(found.place, aside);
  } catch (error) {
    // A directory that its owner may not write cannot change its parent.
    if (!hasCode(error, 'EACCES') || !(await makeWritable(found))) throw error;
    await rename(found.place, aside);
  }
  return true;
};

/** Through a handle, so that the rights of nothing but the directory that was found can change. */
const makeWritable = async ({ place, stats }: FoundDirectory): Promise<boolean> => {
  if ((stats.mode & 0o200n) !== 0n) return false;
  const handle = await open(
    place,
    constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  );
  try {
    const opened = await handle.stat({ bigint: true });
    if (opened.ino !== stats.ino || opened.dev !== stats.dev) return false;
    await handle.chmod(modeOf(stats));
    return true;
  } finally {
    await handle.close();
  }
};

/**
 * Puts an empty directory like the one found in its place, complete from its first moment, and makes
 * the parents anew where they are gone. A directory that somebody already fills stays.
 */
export const replaceDirectory = async (
  root: string,
  trash: string,
  path: string,
  stats: BigIntStats,
): Promise<void> => {
  const walk = { root, path, missing: 'make' } as const;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const isThere = await inParent(walk, path, (parent) =>
      putInPlace(trash, path, parent.at(basename(path)), stats),
    );
    if (isThere) return;
  }
  throw new ArchivePathRefused(path, 'something else keeps removing it');
};

/** False where the fresh directory or the parent went meanwhile. */
const putInPlace = async (
  trash: string,
  path: string,
  place: string,
  stats: BigIntStats,
): Promise<boolean> => {
  const fresh = join(trash, trashName.fresh());
  await mkdir(fresh, { mode: 0o700 });
  try {
    await makeAlike(fresh, stats);
    await rename(fresh, place);
    return true;
  } catch (error) {
    await unlessMissing(rmdir(fresh));
    // Another caller made it meanwhile, and somebody already writes there.
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return true;
    if (hasCode(error, 'ENOTDIR')) {
      throw new ArchivePathRefused(path, 'something else took its place', { cause: error });
    }
    // ENOENT: a sweep took the fresh directory, or the parent vanished.
    if (!hasCode(error, 'ENOENT')) throw error;
    return false;
  }
};

const makeAlike = async (fresh: string, stats: BigIntStats): Promise<void> => {
  try {
    await chown(fresh, Number(stats.uid), Number(stats.gid));
  } catch (error) {
    // Only the superuser gives a directory away; otherwise it is ours.
    if (!hasCode(error, 'EPERM')) throw error;
  }
  await chmod(fresh, modeOf(stats));
};

/** The rights it had; its owner always reads and writes, since the job is about to run again. */
const modeOf = (stats: BigIntStats): number => Number(stats.mode & 0o7777n) | 0o700;
