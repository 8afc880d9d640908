import { mkdir, readdir, readlink, rename, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hold, holdByName } from '../../src/archive/hold.ts';
import { PRECIOUS, snapshot, temporaryArchive, writeFiles } from './temporaryArchive.ts';

const isLinux = process.platform === 'linux';

const usual = async () => {
  const context = await temporaryArchive();
  const directory = join(context.root, 'a/b/c');
  await mkdir(directory, { recursive: true });
  return { ...context, directory };
};

describe.each([
  ['hold', hold],
  ['holdByName', holdByName],
] as const)('%s', (_, held) => {
  it('leads to the entries of a directory', async () => {
    const { directory } = await usual();
    const handle = await held(directory, directory);
    if (typeof handle === 'string') throw new Error(handle);
    await writeFile(handle.at('file'), 'text');
    handle.close();
    expect(await snapshot(directory)).toEqual({ file: 'text' });
  });

  it('tells what is missing', async () => {
    const { directory } = await usual();
    const place = join(directory, 'd/e');
    expect(await held(place, place)).toBe('missing');
  });

  it.each(['a', 'a/b', 'a/b/c'])(
    'does not hold what is reached by a link at %s',
    async (linked) => {
      const { root, directory } = await usual();
      await rename(join(root, linked), join(root, 'moved'));
      await symlink(join(root, 'moved'), join(root, linked));
      expect(await held(directory, directory)).toBe('elsewhere');
    },
  );

  it('does not hold a file, nor what lies below one, nor a loop of links', async () => {
    const { root, directory } = await usual();
    await writeFiles(directory, { file: '' });
    await symlink('loop', join(root, 'loop'));
    for (const place of [join(directory, 'file'), join(directory, 'file/x'), join(root, 'loop')]) {
      expect(await held(place, place)).toBe('elsewhere');
    }
  });

  it('may be told where a directory really is', async () => {
    const { root, directory } = await usual();
    await symlink(root, `${root}-link`);
    const handle = await held(join(`${root}-link`, 'a/b/c'), directory);
    if (typeof handle === 'string') throw new Error(handle);
    handle.close();
    expect(await held(join(`${root}-link`, 'a/b/c'), `${directory}2`)).toBe('elsewhere');
  });
});

describe.runIf(isLinux)('a directory that is held', () => {
  it('is the same whatever its parents turn into', async () => {
    const { outside, directory } = await usual();
    const held = await hold(directory);
    if (typeof held === 'string') throw new Error(held);
    const parent = dirname(directory);
    await rename(parent, `${parent}.real`);
    await symlink(outside, parent);
    await mkdir(join(outside, 'c'));
    await writeFile(held.at('file'), 'text');
    held.close();
    expect(await snapshot(outside)).toEqual(PRECIOUS);
    expect(await snapshot(`${parent}.real/c`)).toEqual({ file: 'text' });
  });

  it('takes nothing once it is removed', async () => {
    const { directory } = await usual();
    const held = await hold(directory);
    if (typeof held === 'string') throw new Error(held);
    await rmdir(directory);
    await expect(mkdir(held.at('new'))).rejects.toThrow('ENOENT');
    held.close();
  });

  it('is let go in the end, whatever came of the work', async () => {
    const { archive, root, outside } = await temporaryArchive();
    const path = '/products/v2/owner/parents/data';
    await archive.create(path);
    for (let round = 0; round < 20; round += 1) {
      await archive.create(`${path}${round}`);
      await archive.create(`${path}${round}`);
      await archive.empty(path);
      await archive.list(path);
      await archive.empty(`/products/v2/missing/${round}`);
    }
    await symlink(outside, join(root, 'products/v2/link'));
    for (const refused of ['/products/v2/link', '/products/v2/link/x', '/products/v2/link/x/y']) {
      await expect(archive.create(refused)).rejects.toThrow('is a link');
      await expect(archive.empty(refused)).rejects.toThrow('is a link');
      await expect(archive.list(refused)).rejects.toThrow('is a link');
    }
    expect(await openBelow(dirname(root))).toEqual([]);
  });
});

/** Where the files and directories lie that this process has open below a directory. */
const openBelow = async (directory: string): Promise<string[]> => {
  const handles = await readdir('/proc/self/fd');
  const places = await Promise.all(
    handles.map((handle) => readlink(`/proc/self/fd/${handle}`).catch(() => '')),
  );
  return places.filter((place) => place.startsWith(`${directory}/`));
};
