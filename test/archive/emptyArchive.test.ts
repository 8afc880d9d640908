import { execFile } from 'node:child_process';
import { Buffer } from 'node:buffer';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  rename,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ArchivePathRefused } from '../../src/errors.ts';
import {
  asOrdinaryUser,
  NOBODY,
  PRECIOUS,
  snapshot,
  temporaryArchive,
  writeFiles,
} from './temporaryArchive.ts';

const JOB = '/products/v2/owner/parents/data';
const isSuperuser = process.geteuid?.() === 0;

describe('empty', () => {
  it('removes everything inside, counts it, and keeps the directory', async () => {
    const { archive, root } = await temporaryArchive();
    await writeFiles(join(root, JOB), { 'a.txt': '1', 'sub/b.txt': '2', 'sub/deep/c.txt': '3' });
    await writeFiles(join(root, `${JOB}2`), { 'neighbour.txt': 'stays' });
    expect(await archive.empty(JOB)).toEqual({ removed: 5 });
    expect(await readdir(join(root, JOB))).toEqual([]);
    expect(await snapshot(join(root, `${JOB}2`))).toEqual({ 'neighbour.txt': 'stays' });
    expect(await readdir(join(root, '.trash'))).toEqual([]);
  });

  it('makes a directory that is missing, and can be repeated', async () => {
    const { archive, root } = await temporaryArchive();
    expect(await archive.empty(JOB)).toEqual({ removed: 0 });
    expect(await archive.empty(JOB)).toEqual({ removed: 0 });
    expect(await readdir(join(root, JOB))).toEqual([]);
  });

  it.each([0o700, 0o750, 0o775, 0o2775, 0o1777])('keeps the mode %o', async (mode) => {
    const { archive, root } = await temporaryArchive();
    await writeFiles(join(root, JOB), { 'a.txt': '' });
    await chmod(join(root, JOB), mode);
    await archive.empty(JOB);
    expect((await lstat(join(root, JOB))).mode & 0o7777).toBe(mode);
  });

  it('gives the owner back the rights that a new run needs', async () => {
    const { archive, root } = await temporaryArchive();
    await writeFiles(join(root, JOB), { 'a.txt': '' });
    await chmod(join(root, JOB), 0o555);
    expect(await archive.empty(JOB)).toEqual({ removed: 1 });
    expect((await lstat(join(root, JOB))).mode & 0o7777).toBe(0o755);
  });

  it.runIf(isSuperuser)('keeps the owner', async () => {
    const { archive, root } = await temporaryArchive();
    await archive.create(JOB);
    await chown(join(root, JOB), NOBODY, NOBODY);
    await archive.empty(JOB);
    expect(await lstat(join(root, JOB))).toMatchObject({ uid: NOBODY, gid: NOBODY });
  });

  it('removes links and never what they point to', async () => {
    const { archive, root, outside } = await temporaryArchive();
    const directory = await archive.create(JOB);
    await mkdir(join(directory, 'sub'));
    await symlink(outside, join(directory, 'out'));
    await symlink(join(outside, 'precious.txt'), join(directory, 'sub', 'file'));
    await symlink('../../../../..', join(directory, 'sub', 'up'));
    await symlink('loop', join(directory, 'loop'));
    await symlink('nowhere', join(directory, 'dangling'));
    await link(join(outside, 'precious.txt'), join(directory, 'hard'));
    expect(await archive.empty(JOB)).toEqual({ removed: 7 });
    expect(await snapshot(outside)).toEqual(PRECIOUS);
    expect(await snapshot(root)).toEqual({});
  });

  it('removes a tree deeper than a path can be long', async () => {
    const { archive, root } = await temporaryArchive();
    let top = await archive.create(`${JOB}/tree`);
    const name = 'd'.repeat(200);
    for (let depth = 0; depth < 40; depth += 1) {
      const above = join(dirname(top), 'above');
      await mkdir(above);
      await rename(top, join(above, name));
      await rename(above, top);
    }
    top = dirname(top);
    await expect(readdir(join(top, 'tree', ...Array<string>(40).fill(name)))).rejects.toThrow(
      'ENAMETOOLONG',
    );
    expect(await archive.empty(JOB)).toEqual({ removed: 41 });
    expect(await readdir(join(root, '.trash'))).toEqual([]);
  });

  it('removes a broad tree, and names that are not text', async () => {
    const { archive, root } = await temporaryArchive();
    const directory = await archive.create(JOB);
    const names = Array.from({ length: 500 }, (_, n) => join(directory, `f${n}`));
    await Promise.all(names.map((name) => writeFile(name, '')));
    for (const name of ['new\nline', ' ', '-rf', '*', '\u202e', 'a'.repeat(255)]) {
      await writeFile(join(directory, name), '');
    }
    const bytes = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0xfe, 0x41])]);
    const notText = await mkdir(bytes).then(
      () => 1,
      () => 0, // A file system that takes only text has no such names to remove.
    );
    expect(await archive.empty(JOB)).toEqual({ removed: 506 + notText });
    expect(await readdir(join(root, '.trash'))).toEqual([]);
  });

  it('removes pipes without opening them', async () => {
    const { archive } = await temporaryArchive();
    const directory = await archive.create(JOB);
    await promisify(execFile)('mkfifo', [join(directory, 'pipe')]);
    expect(await archive.empty(JOB)).toEqual({ removed: 1 });
  });

  it('removes directories and files that allow nothing, also without special rights', async () => {
    const { archive, root } = await temporaryArchive();
    if (isSuperuser) await chown(dirname(root), NOBODY, NOBODY);
    await asOrdinaryUser(async () => {
      const directory = await archive.create(JOB);
      await writeFiles(directory, { 'none/a/b.txt': '', 'read/c/d.txt': '', 'write/e.txt': '' });
      await chmod(join(directory, 'read/c/d.txt'), 0o000);
      await chmod(join(directory, 'none/a'), 0o000);
      await chmod(join(directory, 'none'), 0o000);
      await chmod(join(directory, 'read/c'), 0o555);
      await chmod(join(directory, 'read'), 0o555);
      await chmod(join(directory, 'write'), 0o200);
      await chmod(directory, 0o555);
      expect(await archive.empty(JOB)).toEqual({ removed: 8 });
      expect(await readdir(directory)).toEqual([]);
      expect(await readdir(join(root, '.trash'))).toEqual([]);
    });
  });

  it('refuses a trash that is a link, before anything is touched', async () => {
    const { archive, root, outside } = await temporaryArchive();
    await writeFiles(join(root, JOB), { 'a.txt': '1' });
    await symlink(outside, join(root, '.trash'));
    await expect(archive.empty(JOB)).rejects.toThrow(ArchivePathRefused);
    await expect(archive.sweepTrash()).rejects.toThrow(ArchivePathRefused);
    expect(await snapshot(join(root, JOB))).toEqual({ 'a.txt': '1' });
    expect(await snapshot(outside)).toEqual(PRECIOUS);
  });

  it('closes a trash that others could enter', async () => {
    const { archive, root } = await temporaryArchive();
    await mkdir(join(root, '.trash'), { recursive: true });
    await chmod(join(root, '.trash'), 0o777);
    await archive.create(JOB);
    await archive.empty(JOB);
    expect((await lstat(join(root, '.trash'))).mode & 0o7777).toBe(0o700);
  });
});

describe('after a crash', () => {
  const id = '00000000-0000-4000-8000-000000000000';

  it('between the move and the new directory, a repeat makes the directory', async () => {
    const { archive, root } = await temporaryArchive();
    await writeFiles(join(root, JOB), { 'a.txt': '1', 'sub/b.txt': '2' });
    const { ino } = await lstat(join(root, JOB), { bigint: true });
    await mkdir(join(root, '.trash'));
    await rename(join(root, JOB), join(root, '.trash', `tree-${id}-${ino}`));

    expect(await archive.empty(JOB)).toEqual({ removed: 0 });
    expect(await readdir(join(root, JOB))).toEqual([]);
    expect(await archive.sweepTrash()).toBe(1);
    expect(await readdir(join(root, '.trash'))).toEqual([]);
    expect(await archive.sweepTrash()).toBe(0);
  });

  it('a sweep removes what is ours and leaves everything else', async () => {
    const { archive, root, outside } = await temporaryArchive();
    const trash = join(root, '.trash');
    await writeFiles(join(trash, `part-${id}`), { 'a/b/c.txt': '1' });
    await mkdir(join(trash, `fresh-${id}`));
    await writeFile(join(trash, `part-${id.replace('0', '1')}`), 'a file');
    await symlink(outside, join(trash, `part-${id.replace('0', '2')}`));
    await symlink(outside, join(trash, `tree-${id}-1`));
    await writeFiles(join(trash, `tree-${id}-2`), { 'swapped.txt': 'not the one we checked' });
    await writeFiles(trash, { 'notes.txt': 'of an operator', 'part-x/a.txt': 'of nobody' });

    expect(await archive.sweepTrash()).toBe(4);
    expect(await snapshot(trash)).toEqual({
      'notes.txt': 'of an operator',
      'part-x/a.txt': 'of nobody',
      [`tree-${id}-1`]: '<link>',
      [`tree-${id}-2/swapped.txt`]: 'not the one we checked',
    });
    expect(await snapshot(outside)).toEqual(PRECIOUS);
  });

  it('a sweep before there is any trash does nothing', async () => {
    const { archive, root } = await temporaryArchive();
    expect(await archive.sweepTrash()).toBe(0);
    await archive.create(JOB);
    expect(await archive.sweepTrash()).toBe(0);
    expect(await readdir(root)).toEqual(['products']);
  });
});
