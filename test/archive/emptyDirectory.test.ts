import { lstat, mkdir, readdir, rename, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { descend } from '../../src/archive/descend.ts';
import { moveAside, replaceDirectory } from '../../src/archive/emptyDirectory.ts';
import { openTrash } from '../../src/archive/trash.ts';
import { ArchivePathRefused } from '../../src/errors.ts';
import { PRECIOUS, snapshot, temporaryArchive, whileBusy, writeFiles } from './temporaryArchive.ts';

const JOB = '/products/v2/owner/parents/data';

/** A job's directory with a file in it, at the moment between looking at it and moving it. */
const justFound = async () => {
  const context = await temporaryArchive();
  const directory = join(context.root, JOB);
  await writeFiles(directory, { 'result.csv': 'old' });
  const found = await descend(context.root, JOB, 'stop');
  if (!found) throw new Error('the directory was not found');
  return { ...context, directory, found, trash: await openTrash(context.root) };
};

describe('moveAside', () => {
  it('moves the directory that was found', async () => {
    const { directory, found, trash } = await justFound();
    const aside = await moveAside(trash, JOB, found);
    expect(await snapshot(aside ?? '')).toEqual({ 'result.csv': 'old' });
    await expect(lstat(directory)).rejects.toThrow('ENOENT');
  });

  it('keeps and tells what a link in a parent would have it remove', async () => {
    const { archive, root, outside, directory, found, trash } = await justFound();
    await writeFiles(join(outside, 'data'), { 'bait.txt': 'keep' });
    await rename(dirname(directory), `${dirname(directory)}.real`);
    await symlink(outside, dirname(directory));

    const refusal: unknown = await moveAside(trash, JOB, found).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ArchivePathRefused);
    const [kept = 'nothing'] = await readdir(trash);
    expect(String(refusal)).toContain(`kept as /.trash/${kept}`);
    expect(await archive.sweepTrash()).toBe(0);
    expect(await snapshot(join(root, '.trash', kept))).toEqual({ 'bait.txt': 'keep' });
    expect(await snapshot(outside)).toEqual(PRECIOUS);
  });

  it('refuses a link that has come in its place', async () => {
    const { outside, directory, found, trash } = await justFound();
    await rename(directory, `${directory}.real`);
    await symlink(outside, directory);
    await expect(moveAside(trash, JOB, found)).rejects.toThrow(ArchivePathRefused);
    expect(await snapshot(outside)).toEqual(PRECIOUS);
  });

  it('looks again where another caller was faster', async () => {
    const { directory, found, trash } = await justFound();
    await rename(directory, `${directory}.gone`);
    expect(await moveAside(trash, JOB, found)).toBeUndefined();
    await mkdir(directory);
    expect(await moveAside(trash, JOB, found)).toBeUndefined();
    expect(await readdir(trash)).toEqual([]);
  });
});

describe('replaceDirectory', () => {
  it('makes the directory, and its parents where they are gone', async () => {
    const { root, directory, found, trash } = await justFound();
    await rm(join(root, 'products'), { recursive: true });
    await replaceDirectory(root, trash, JOB, found);
    expect(await readdir(directory)).toEqual([]);
    expect(await readdir(trash)).toEqual([]);
  });

  it('tries again where a sweep took the fresh directory', async () => {
    const { archive, root, directory, found, trash } = await justFound();
    await rm(join(directory, 'result.csv'));
    const sweeps = Array.from({ length: 3 }, () =>
      whileBusy(async () => void (await archive.sweepTrash())),
    );
    for (let round = 0; round < 200; round += 1) {
      await replaceDirectory(root, trash, JOB, found);
    }
    for (const sweep of sweeps) await sweep.stop();
    expect(await readdir(directory)).toEqual([]);
    expect(await readdir(trash)).toEqual([]);
  });

  it('leaves a directory that somebody already fills', async () => {
    const { root, directory, found, trash } = await justFound();
    await replaceDirectory(root, trash, JOB, found);
    expect(await snapshot(directory)).toEqual({ 'result.csv': 'old' });
    expect(await readdir(trash)).toEqual([]);
  });

  it('refuses a link in its place', async () => {
    const { root, outside, directory, found, trash } = await justFound();
    await rm(directory, { recursive: true });
    await symlink(outside, directory);
    await expect(replaceDirectory(root, trash, JOB, found)).rejects.toThrow(ArchivePathRefused);
    expect(await snapshot(outside)).toEqual(PRECIOUS);
    expect(await readdir(trash)).toEqual([]);
  });

  it('refuses a link in a parent', async () => {
    const { root, outside, directory, found, trash } = await justFound();
    await rm(directory, { recursive: true });
    await rmdir(dirname(directory));
    await symlink(outside, dirname(directory));
    await expect(replaceDirectory(root, trash, JOB, found)).rejects.toThrow(ArchivePathRefused);
    expect(await readdir(outside)).toEqual(['deep', 'precious.txt']);
  });
});
