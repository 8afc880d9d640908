import { lstat, mkdir, readdir, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descend, inParent, type FoundDirectory } from '../../src/archive/descend.ts';
import { moveAside, replaceDirectory } from '../../src/archive/emptyDirectory.ts';
import { openTrash } from '../../src/archive/trash.ts';
import { ArchivePathRefused } from '../../src/errors.ts';
import { PRECIOUS, snapshot, temporaryArchive, whileBusy, writeFiles } from './temporaryArchive.ts';

const JOB = '/products/v2/owner/parents/data';

/** A job's directory with a file in it. */
const filled = async () => {
  const context = await temporaryArchive();
  const directory = join(context.root, JOB);
  await writeFiles(directory, { 'result.csv': 'old' });
  const trash = await openTrash(context.root);
  /** Does something at the moment between looking at it and moving it. */
  const onceFound = async <T>(work: (found: FoundDirectory) => Promise<T>): Promise<T> => {
    const box = await descend(context.root, JOB, 'stop', async (found) => ({
      result: await work(found),
    }));
    if (!box) throw new Error('the directory was not found');
    return box.result;
  };
  const stats = await lstat(directory, { bigint: true });
  return { ...context, directory, trash, stats, onceFound };
};

/** Somebody puts a link to somewhere outside in the place of a parent, and something where it leads. */
const linkParent = async (directory: string, outside: string) => {
  await writeFiles(join(outside, 'data'), { 'bait.txt': 'keep' });
  await rename(dirname(directory), `${dirname(directory)}.real`);
  await symlink(outside, dirname(directory));
};

describe('moveAside', () => {
  it('moves the directory that was found', async () => {
    const { directory, trash, onceFound } = await filled();
    const aside = await onceFound((found) => moveAside(trash, JOB, found));
    expect(await snapshot(aside ?? '')).toEqual({ 'result.csv': 'old' });
    await expect(lstat(directory)).rejects.toThrow('ENOENT');
  });

  it.runIf(process.platform === 'linux')(
    'moves the directory that was found though a parent has turned into a link',
    async () => {
      const { outside, directory, trash, onceFound } = await filled();
      const aside = await onceFound(async (found) => {
        await linkParent(directory, outside);
        return moveAside(trash, JOB, found);
      });
      expect(await snapshot(aside ?? '')).toEqual({ 'result.csv': 'old' });
      expect(await snapshot(outside)).toEqual({ ...PRECIOUS, 'data/bait.txt': 'keep' });
    },
  );

  it('keeps and tells what has come in its place', async () => {
    const { archive, root, directory, trash, onceFound } = await filled();
    const refusal: unknown = await onceFound(async (found) => {
      await rename(directory, `${directory}.real`);
      await writeFiles(directory, { 'bait.txt': 'keep' });
      return moveAside(trash, JOB, found).catch((error: unknown) => error);
    });
    expect(refusal).toBeInstanceOf(ArchivePathRefused);
    const [kept = 'nothing'] = await readdir(trash);
    expect(String(refusal)).toContain(`kept as /.trash/${kept}`);
    expect(await archive.sweepTrash()).toBe(0);
    expect(await snapshot(join(root, '.trash', kept))).toEqual({ 'bait.txt': 'keep' });
    expect(await snapshot(`${directory}.real`)).toEqual({ 'result.csv': 'old' });
  });

  it('refuses a link that has come in its place', async () => {
    const { outside, directory, trash, onceFound } = await filled();
    await onceFound(async (found) => {
      await rename(directory, `${directory}.real`);
      await symlink(outside, directory);
      await expect(moveAside(trash, JOB, found)).rejects.toThrow(ArchivePathRefused);
    });
    expect(await snapshot(outside)).toEqual(PRECIOUS);
  });

  it('looks again where another caller was faster', async () => {
    const { directory, trash, onceFound } = await filled();
    await onceFound(async (found) => {
      await rename(directory, `${directory}.gone`);
      expect(await moveAside(trash, JOB, found)).toBeUndefined();
      await mkdir(directory);
      expect(await moveAside(trash, JOB, found)).toBeUndefined();
    });
    expect(await readdir(trash)).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('a parent that turns into a link', () => {
  const walk = (root: string) => ({ root, path: JOB, missing: 'stop' }) as const;

  it('after it was looked at leads the next look to the directory that was meant', async () => {
    const { root, outside, directory } = await filled();
    const meant = await lstat(directory, { bigint: true });
    const seen = await inParent(walk(root), JOB, async (parent) => {
      await linkParent(directory, outside);
      return lstat(parent.at('data'), { bigint: true });
    });
    expect(seen?.ino).toBe(meant.ino);
    expect(seen?.ino).not.toBe((await lstat(directory, { bigint: true })).ino);
  });

  it('while something is made in it gets nothing outside', async () => {
    const { root, outside, directory } = await filled();
    await inParent(walk(root), `${JOB}/new`, async (parent) => {
      await rename(directory, `${directory}.real`);
      await symlink(outside, directory);
      await mkdir(parent.at('new'));
    });
    expect((await lstat(`${directory}.real/new`)).isDirectory()).toBe(true);
    expect(await snapshot(outside)).toEqual(PRECIOUS);
    expect(await readdir(outside)).toEqual(['deep', 'precious.txt']);
  });

  it('before it is looked at is refused', async () => {
    const { root, outside, directory } = await filled();
    await linkParent(directory, outside);
    await expect(inParent(walk(root), JOB, async () => 'reached')).rejects.toThrow('is a link');
  });
});

describe('replaceDirectory', () => {
  it('makes the directory, and its parents where they are gone', async () => {
    const { root, directory, trash, stats } = await filled();
    await rm(join(root, 'products'), { recursive: true });
    await replaceDirectory(root, trash, JOB, stats);
    expect(await readdir(directory)).toEqual([]);
    expect(await readdir(trash)).toEqual([]);
  });

  it('tries again where a sweep took the fresh directory', async () => {
    const { archive, root, directory, trash, stats } = await filled();
    await rm(join(directory, 'result.csv'));
    const sweeps = Array.from({ length: 3 }, () =>
      whileBusy(async () => void (await archive.sweepTrash())),
    );
    for (let round = 0; round < 200; round += 1) {
      await replaceDirectory(root, trash, JOB, stats);
    }
    for (const sweep of sweeps) await sweep.stop();
    expect(await readdir(directory)).toEqual([]);
    expect(await readdir(trash)).toEqual([]);
  });

  it('leaves a directory that somebody already fills', async () => {
    const { root, directory, trash, stats } = await filled();
    await replaceDirectory(root, trash, JOB, stats);
    expect(await snapshot(directory)).toEqual({ 'result.csv': 'old' });
    expect(await readdir(trash)).toEqual([]);
  });

  it('refuses a link in its place', async () => {
    const { root, outside, directory, trash, stats } = await filled();
    await rm(directory, { recursive: true });
    await symlink(outside, directory);
    await expect(replaceDirectory(root, trash, JOB, stats)).rejects.toThrow(ArchivePathRefused);
    expect(await snapshot(outside)).toEqual(PRECIOUS);
    expect(await readdir(trash)).toEqual([]);
  });

  it('refuses a link in a parent', async () => {
    const { root, outside, directory, trash, stats } = await filled();
    await rm(directory, { recursive: true });
    await rmdir(dirname(directory));
    await symlink(outside, dirname(directory));
    await expect(replaceDirectory(root, trash, JOB, stats)).rejects.toThrow(ArchivePathRefused);
    expect(await readdir(outside)).toEqual(['deep', 'precious.txt']);
  });
});
