import { mkdir, readdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArchivePathRefused } from '../../src/errors.ts';
import { PRECIOUS, snapshot, temporaryArchive, writeFiles } from './temporaryArchive.ts';

const JOB = '/products/v2/owner/parents/data';
const ROUNDS = 40;

describe('at the same time', () => {
  it('several may empty one directory, and sweep', async () => {
    const { archive, root } = await temporaryArchive();
    for (let round = 0; round < ROUNDS; round += 1) {
      await writeFiles(join(root, JOB), { a: '', 'b/c': '', 'b/d/e': '', 'f/g': '' });
      const empties = Array.from({ length: 6 }, () => archive.empty(JOB));
      await Promise.all([...empties, archive.sweepTrash(), archive.create(JOB)]);
      expect(await readdir(join(root, JOB))).toEqual([]);
      await archive.sweepTrash();
      expect(await readdir(join(root, '.trash'))).toEqual([]);
    }
  });

  it('many different directories are emptied', async () => {
    const { archive, root } = await temporaryArchive();
    const paths = Array.from({ length: 40 }, (_, n) => `/products/v2/owner/parents/${n}`);
    for (const path of paths) await writeFiles(join(root, path), { a: '', 'b/c': '' });
    const removed = await Promise.all(paths.map((path) => archive.empty(path)));
    expect(removed).toEqual(paths.map(() => ({ removed: 3 })));
    expect(await snapshot(root)).toEqual({});
  });

  it('a writer that goes on writing keeps nothing from being emptied', async () => {
    const { archive, root } = await temporaryArchive();
    const directory = await archive.create(JOB);
    const writing = whileBusy(async (turn) => {
      await ignoring('ENOENT', writeFile(join(directory, `f${turn}`), 'x'));
    });
    for (let round = 0; round < ROUNDS; round += 1) await archive.empty(JOB);
    await writing.stop();
    await archive.empty(JOB);
    expect(await snapshot(root)).toEqual({});
  });
});

describe('against somebody who swaps things underneath', () => {
  it.each([JOB, dirname(JOB), dirname(dirname(JOB))])(
    'nothing outside is lost when %s turns into a link and back',
    async (swapped) => {
      const { archive, root, outside } = await temporaryArchive();
      // What the path would reach through the link exists there, too.
      const below = JOB.slice(swapped.length);
      await writeFiles(join(outside, below), { 'bait.txt': 'keep' });
      const expected = await snapshot(outside);
      await archive.create(JOB);
      const place = join(root, swapped);

      const swapping = whileBusy(async () => {
        await ignoring('ENOENT', rename(place, `${place}.real`));
        await ignoring('EEXIST', symlink(outside, place));
        await ignoring('ENOENT', ignoring('EISDIR', ignoring('EPERM', unlink(place))));
        await ignoring('ENOENT', rename(`${place}.real`, place).catch(ignoreTaken));
      });
      for (let round = 0; round < ROUNDS; round += 1) {
        await archive.empty(JOB).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ArchivePathRefused);
        });
      }
      await swapping.stop();
      expect(await snapshot(outside)).toEqual(expected);
    },
  );

  it('no link is entered that is swapped in inside the trash', async () => {
    const { archive, root, outside } = await temporaryArchive();
    const trash = join(root, '.trash');
    await mkdir(trash, { recursive: true });
    const swapping = whileBusy(async () => {
      for (const name of await readdir(trash)) {
        for (const sub of ['s0', 's1', 's2', 's3']) {
          const place = join(trash, name, sub);
          await rename(place, `${place}.real`)
            .then(() => symlink(outside, place), String)
            .catch(String);
        }
      }
    });
    for (let round = 0; round < ROUNDS; round += 1) {
      const files = ['s0/t/a', 's1/t/a', 's2/t/a', 's3/t/a'].map((name) => [name, '']);
      await writeFiles(join(root, JOB), Object.fromEntries(files) as Record<string, string>);
      await archive.empty(JOB);
    }
    await swapping.stop();
    await rm(join(root, JOB), { recursive: true });
    expect(await snapshot(root)).toEqual({});
    expect(await snapshot(outside)).toEqual(PRECIOUS);
  });
});

/** Repeats work until it is stopped. */
const whileBusy = (work: (turn: number) => Promise<void>) => {
  let running = true;
  const done = (async () => {
    for (let turn = 0; running; turn += 1) await work(turn);
  })();
  return {
    stop: async (): Promise<void> => {
      running = false;
      await done;
    },
  };
};

const ignoring = async (code: string, work: Promise<unknown>): Promise<void> => {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === code)) throw error;
  }
};

/** The emptying side has put its own directory there meanwhile. */
const ignoreTaken = (error: unknown): void => {
  expect(error).toMatchObject({
    code: expect.stringMatching(/^(ENOTEMPTY|EEXIST|ENOENT|ENOTDIR)$/) as unknown,
  });
};
