import { mkdir, realpath, rename, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeLeaf } from '../../src/archive/makeLeaf.ts';
import { ArchivePathRefused } from '../../src/errors.ts';
import { PRECIOUS, snapshot, temporaryArchive, writeFiles } from './temporaryArchive.ts';

const parent = '/products/v2/pipeline/parents';

describe('the short way to a new directory', () => {
  it('is taken where the parent is there', async () => {
    const { root } = await temporaryArchive();
    await mkdir(join(root, parent), { recursive: true });
    expect(await makeLeaf(root, root, `${parent}/data`)).toBe(true);
    expect((await stat(join(root, parent, 'data'))).isDirectory()).toBe(true);
  });

  it('is not taken without a parent, nor for what is there already', async () => {
    const { root } = await temporaryArchive();
    expect(await makeLeaf(root, root, `${parent}/data`)).toBe(false);
    await writeFiles(join(root, parent, 'data'), { file: 'text' });
    expect(await makeLeaf(root, root, `${parent}/data`)).toBe(false);
    expect(await makeLeaf(root, root, `${parent}/data/file`)).toBe(false);
    expect(await makeLeaf(root, root, `${parent}/data/file/below`)).toBe(false);
  });

  it.each(['products', 'products/v2/pipeline', 'products/v2/pipeline/parents'])(
    'makes nothing through a link at %s that came after the first job',
    async (linked) => {
      const { archive, root, outside } = await temporaryArchive();
      await archive.create(`${parent}/first`);
      await rename(join(root, linked), join(root, 'moved'));
      await symlink(outside, join(root, linked));
      await expect(archive.create(`${parent}/second`)).rejects.toThrow(ArchivePathRefused);
      expect(await snapshot(outside)).toEqual(PRECIOUS);
    },
  );

  it('follows the root where the operator has moved it', async () => {
    const { archive, root } = await temporaryArchive();
    await archive.create(`${parent}/first`);
    await rename(root, `${root}-moved`);
    await symlink(`${root}-moved`, root);
    for (const name of ['second', 'third']) await archive.create(`${parent}/${name}`);
    const real = await realpath(`${root}-moved`);
    expect((await stat(join(real, parent, 'third'))).isDirectory()).toBe(true);
  });
});
