import { chmod, lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openArchive } from '../../src/archive/archive.ts';
import { ArchivePathRefused, InvalidConfiguration } from '../../src/errors.ts';
import {
  asOrdinaryUser,
  PRECIOUS,
  snapshot,
  temporaryArchive,
  writeFiles,
} from './temporaryArchive.ts';

const JOB = '/products/v2/owner/parents/data';
const DEPTHS = [
  '/products',
  '/products/v2',
  '/products/v2/owner',
  '/products/v2/owner/parents',
  JOB,
];

describe('openArchive', () => {
  it.each(['', '  '])('refuses the root %j', (root) => {
    expect(() => openArchive({ root, prefixes: ['/products/v2'] })).toThrow(InvalidConfiguration);
  });

  it.each(['', '/', 'products', '/products/..', '/products//v2', '/.trash', '/.Trash/x', '/%2e'])(
    'refuses the prefix %j',
    (prefix) => {
      const open = () => openArchive({ root: '/nowhere', prefixes: ['/products/v2', prefix] });
      expect(open).toThrow(InvalidConfiguration);
      expect(open).toThrow('JOBWRIGHT_ARCHIVE_PREFIXES');
    },
  );

  it('does not touch the disk', async () => {
    const { root } = await temporaryArchive();
    await expect(lstat(root)).rejects.toThrow('ENOENT');
  });
});

describe('resolve', () => {
  it('is the root and the path, by text alone', () => {
    const archive = openArchive({ root: '/srv/archive/', prefixes: ['/products/v2'] });
    expect(archive.resolve(`${JOB}/`)).toBe(`/srv/archive${JOB}`);
    expect(() => archive.resolve('/uploads/precious')).toThrow(ArchivePathRefused);
  });

  it('stays strictly inside the root for every accepted path', () => {
    const archive = openArchive({ root: '/srv/archive', prefixes: ['/products/v2'] });
    const segment = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
      fc.constantFrom('..', '.', 'a', 'b.c'),
    );
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
        const path = `/products/v2/${segments.join('/')}`;
        let directory: string;
        try {
          directory = archive.resolve(path);
        } catch (error) {
          expect(error).toBeInstanceOf(ArchivePathRefused);
          return;
        }
        expect(directory).toBe(join(directory));
        expect(directory.startsWith(`/srv/archive/products/v2${sep}`)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('create', () => {
  it('makes the root and the directory, as often as it is asked', async () => {
    const { archive, root } = await temporaryArchive();
    expect(await archive.create(JOB)).toBe(join(root, JOB));
    expect(await archive.create(`${JOB}/`)).toBe(join(root, JOB));
    expect((await lstat(join(root, JOB))).isDirectory()).toBe(true);
    expect((await lstat(root)).mode & 0o022).toBe(0);
  });

  it('keeps what is there', async () => {
    const { archive, root } = await temporaryArchive();
    await writeFiles(join(root, JOB), { 'result.csv': '1' });
    await archive.create(JOB);
    expect(await snapshot(join(root, JOB))).toEqual({ 'result.csv': '1' });
  });

  it('serves many callers at once', async () => {
    const { archive, root } = await temporaryArchive();
    const paths = Array.from({ length: 20 }, (_, n) => `${JOB}/${n % 4}`);
    const made = await Promise.all(paths.map((path) => archive.create(path)));
    expect(made).toEqual(paths.map((path) => join(root, path)));
  });

  it('works below a root that is reached through a link', async () => {
    const { root } = await temporaryArchive();
    await mkdir(root);
    await symlink(root, `${root}-link`);
    const archive = openArchive({ root: `${root}-link`, prefixes: ['/products/v2'] });
    expect(await archive.create(JOB)).toBe(join(`${root}-link`, JOB));
    await writeFile(join(root, JOB, 'a'), '');
    expect(await archive.empty(JOB)).toEqual({ removed: 1 });
    expect(await archive.sweepTrash()).toBe(0);
  });

  it('tells that the root is a file', async () => {
    const { archive, root } = await temporaryArchive();
    await writeFile(root, 'a file');
    await expect(archive.create(JOB)).rejects.toThrow(InvalidConfiguration);
    await expect(archive.empty(JOB)).rejects.toThrow(InvalidConfiguration);
  });

  it('lets a missing right through as it is', async () => {
    const { archive, root } = await temporaryArchive();
    await mkdir(join(root, 'products'), { recursive: true });
    await chmod(join(root, 'products'), 0o500);
    await asOrdinaryUser(() =>
      expect(archive.create(JOB)).rejects.toMatchObject({ code: 'EACCES' }),
    );
  });
});

describe('list', () => {
  it('tells the files in and below the directory, sorted, without links', async () => {
    const { archive, root, outside } = await temporaryArchive();
    await writeFiles(join(root, JOB), { 'b.txt': '', 'a/2.txt': '', 'a/10.txt': '', 'a-b': '' });
    await mkdir(join(root, JOB, 'empty'));
    await symlink(outside, join(root, JOB, 'link'));
    await symlink(join(outside, 'precious.txt'), join(root, JOB, 'file-link'));
    expect(await archive.list(JOB)).toEqual(['a-b', 'a/10.txt', 'a/2.txt', 'b.txt']);
  });

  it('tells nothing of a directory that is missing, and makes none', async () => {
    const { archive, root } = await temporaryArchive();
    expect(await archive.list(JOB)).toEqual([]);
    await expect(lstat(root)).rejects.toThrow('ENOENT');
  });
});

describe('a path that runs through a link or a file', () => {
  const methods = ['create', 'empty', 'list'] as const;

  /** Puts something at one depth and makes real directories above it. */
  const place = async (root: string, depth: string, put: (at: string) => Promise<void>) => {
    await mkdir(dirname(join(root, depth)), { recursive: true });
    await put(join(root, depth));
  };

  const expectRefusals = async (
    { archive, root, outside }: Awaited<ReturnType<typeof temporaryArchive>>,
    because: string,
  ): Promise<void> => {
    const before = await snapshot(root);
    for (const method of methods) {
      const refusal: unknown = await archive[method](JOB).catch((error: unknown) => error);
      expect(refusal, method).toBeInstanceOf(ArchivePathRefused);
      expect(String(refusal), method).toContain(because);
    }
    expect(await snapshot(root)).toEqual(before);
    expect(await snapshot(outside)).toEqual(PRECIOUS);
  };

  it.each(DEPTHS)('is refused for a link out of the root at %s', async (depth) => {
    const context = await temporaryArchive();
    await place(context.root, depth, (at) => symlink(context.outside, at));
    await expectRefusals(context, `${depth} is a link`);
  });

  it.each(DEPTHS)('is refused for a link to elsewhere in the root at %s', async (depth) => {
    const context = await temporaryArchive();
    await writeFiles(join(context.root, 'elsewhere'), { 'v2/owner/parents/data/other.txt': 'x' });
    await place(context.root, depth, (at) => symlink(join(context.root, 'elsewhere'), at));
    await expectRefusals(context, `${depth} is a link`);
  });

  it.each(DEPTHS)('is refused for a dangling link at %s', async (depth) => {
    const context = await temporaryArchive();
    await place(context.root, depth, (at) => symlink(join(context.outside, 'missing'), at));
    await expectRefusals(context, `${depth} is a link`);
  });

  it.each(DEPTHS)('is refused for a loop of links at %s', async (depth) => {
    const context = await temporaryArchive();
    await place(context.root, depth, (at) => symlink(at, at));
    await expectRefusals(context, `${depth} is a link`);
  });

  it.each(DEPTHS)('is refused for a file at %s', async (depth) => {
    const context = await temporaryArchive();
    await place(context.root, depth, (at) => writeFile(at, 'a file'));
    await expectRefusals(context, `${depth} is not a directory`);
    expect(await readFile(join(context.root, depth), 'utf8')).toBe('a file');
  });

  it('is refused by its text before the disk is looked at', async () => {
    const { archive, root, outside } = await temporaryArchive();
    for (const path of ['/', '/products/v2', '/products/v2/../../../outside', '/.trash/a']) {
      for (const method of methods) {
        await expect(archive[method](path)).rejects.toThrow(ArchivePathRefused);
      }
    }
    await expect(lstat(root)).rejects.toThrow('ENOENT');
    expect(await snapshot(outside)).toEqual(PRECIOUS);
  });
});
