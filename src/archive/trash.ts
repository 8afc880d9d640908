import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, rename, rmdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ArchivePathRefused } from '../errors.ts';
import { refuseUnlessDirectory } from './descend.ts';
import { hasCode, unlessMissing } from './unlessMissing.ts';

/** The one directory of the root that no archive path reaches: no prefix may begin with it. */
export const TRASH = '.trash';

/**
 * Names in the trash. A `tree` carries the inode that was checked before the move, so that a
 * directory swapped in at the last moment is never taken for ours; a `part` was inside a tree; a
 * `fresh` directory waits to take a tree's place.
 */
export const trashName = {
  tree: (inode: bigint): string => `tree-${randomUUID()}-${inode}`,
  part: (): string => `part-${randomUUID()}`,
  fresh: (): string => `fresh-${randomUUID()}`,
};
const OUR_NAME = /^(?:tree-[0-9a-f-]{36}-(?<inode>\d+)|(?:part|fresh)-[0-9a-f-]{36})$/;

/** How often a directory is read again because a writer still adds to it. */
const PASSES = 100;

/**
 * The trash directory of a real root, made if need be. It is private to this process's user: that is
 * what lets `removeTree` rely on what it finds there. A link or a file in its place is refused.
 */
export const openTrash = async (root: string): Promise<string> => {
  const trash = join(root, TRASH);
  try {
    await mkdir(trash, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  const stats = await lstat(trash);
  refuseUnlessDirectory(`/${TRASH}`, `/${TRASH}`, stats);
  if ((stats.mode & 0o077) !== 0) await chmod(trash, 0o700);
  return trash;
};

/** Whether something in the trash is ours to remove: a name of ours and, for a tree, its inode. */
export const isTrash = async (entry: string): Promise<boolean> => {
  const name = OUR_NAME.exec(basename(entry));
  if (!name) return false;
  const inode = name.groups?.['inode'];
  if (inode === undefined) return true;
  const stats = await unlessMissing(lstat(entry, { bigint: true }));
  return stats?.isDirectory() === true && String(stats.ino) === inode;
};

/**
 * Removes an entry of the trash with everything in it and returns how many entries were inside.
 *
 * No link is ever entered, not even one that a process still at work in the tree swaps in: a
 * directory is first moved up into the trash itself and only then read, so every path used has a
 * single component that anyone else can change, the last, and `unlink`, `rename` and `rmdir` do not
 * follow that one. It needs no recursion, so no tree is too deep. Others may remove at the same time.
 */
export const removeTree = async (trash: string, entry: string): Promise<number> => {
  const pending = [entry];
  let removed = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const stats = await unlessMissing(lstat(next));
    if (stats?.isDirectory()) removed += await removeDirectory(trash, next, pending);
    else if (stats) await unlessMissing(unlink(next));
  }
  return removed;
};

const removeDirectory = async (
  trash: string,
  directory: string,
  pending: string[],
): Promise<number> => {
  let removed = 0;
  for (let pass = 1; ; pass += 1) {
    await closeToOthers(directory);
    // Names are bytes: one that is not UTF-8 would otherwise come back as another name.
    const names = (await unlessMissing(readdir(directory, { encoding: 'buffer' }))) ?? [];
    for (const name of names) {
      const child = Buffer.concat([Buffer.from(`${directory}/`), name]);
      if (await removeChild(trash, child, pending)) removed += 1;
    }
    try {
      await unlessMissing(rmdir(directory));
      return removed;
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST') || pass === PASSES) throw error;
    }
  }
};

/** Makes a directory without rights readable, and keeps other users from changing it meanwhile. */
const closeToOthers = async (directory: string): Promise<void> => {
  try {
    await unlessMissing(chmod(directory, 0o700));
  } catch (error) {
    // Another user's directory: whether its rights suffice shows when it is read.
    if (!hasCode(error, 'EPERM')) throw error;
  }
};

/** Unlinks what is not a directory and moves up what is; false if somebody else was faster. */
const removeChild = async (trash: string, child: Buffer, pending: string[]): Promise<boolean> => {
  try {
    await unlink(child);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    if (!(await mayBeDirectory(child, error))) throw error;
  }
  // What is really moved shows once it is in the trash: it may be a link by now.
  const part = join(trash, trashName.part());
  const moved = await unlessMissing(moveUp(child, part));
  if (moved) pending.push(part);
  return moved ?? false;
};

/** A directory that is unlinked answers EISDIR, or on some systems EPERM, which a file can mean, too. */
const mayBeDirectory = async (child: Buffer, error: unknown): Promise<boolean> => {
  if (!hasCode(error, 'EPERM')) return hasCode(error, 'EISDIR');
  const stats = await unlessMissing(lstat(child));
  return stats === undefined || stats.isDirectory();
};

const moveUp = async (child: Buffer, part: string): Promise<true> => {
  try {
    await rename(child, part);
  } catch (error) {
    // A directory that its owner may not write cannot change its parent. The superuser never gets here.
    if (!hasCode(error, 'EACCES')) throw error;
    await chmod(child, 0o700);
    await rename(child, part);
  }
  return true;
};

/** Says that a directory was swapped for another while it was moved, and where that one is now. */
export const swappedAway = (path: string, aside: string, cause: unknown): ArchivePathRefused =>
  new ArchivePathRefused(
    path,
    `it was replaced while it was emptied; what came in its place is kept as /${TRASH}/${basename(aside)}`,
    { cause },
  );
