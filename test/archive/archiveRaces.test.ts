import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readdir, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { ArchivePathRefused } from '../../src/errors.ts';
import { isLong } from '../support/waitUntil.ts';
import { PRECIOUS, snapshot, temporaryArchive, whileBusy, writeFiles } from './temporaryArchive.ts';

const JOB = '/products/v2/owner/parents/data';
const ROUNDS = isLong ? 400 : 40;

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

  it('a sweep that never ends keeps nothing from being emptied', async () => {
    const { archive, root } = await temporaryArchive();
    const paths = Array.from({ length: 20 }, (_, n) => `/products/v2/owner/parents/${n}`);
    const sweeping = whileBusy(async () => void (await archive.sweepTrash()));
    for (let round = 0; round < ROUNDS / 4; round += 1) {
      for (const path of paths) await writeFiles(join(root, path), { a: '', 'b/c': '' });
      await Promise.all(paths.map((path) => archive.empty(path)));
      expect(await snapshot(join(root, 'products'))).toEqual({});
      expect(await readdir(join(root, '/products/v2/owner/parents'))).toHaveLength(20);
    }
    await sweeping.stop();
    await archive.sweepTrash();
    expect(await readdir(join(root, '.trash'))).toEqual([]);
  });

  it('a writer that goes on writing keeps nothing from being emptied', async () => {
    const { archive, root } = await temporaryArchive();
    const directory = await archive.create(JOB);
    const writing = whileBusy(async (turn) => {
      await attempt(writeFile(join(directory, `f${turn}`), 'x'));
    });
    for (let round = 0; round < ROUNDS; round += 1) await archive.empty(JOB);
    await writing.stop();
    await archive.empty(JOB);
    expect(await snapshot(root)).toEqual({});
  });
});

describe('against somebody who swaps things underneath', () => {
  it.each([JOB, dirname(JOB), dirname(dirname(JOB))])(
    'nothing outside is removed when %s turns into a link, a file and back',
    async (swapped) => {
      const { archive, root, outside } = await temporaryArchive();
      const place = join(root, swapped);
      // What the path would reach through the link exists there, too.
      const reached = join(outside, JOB.slice(swapped.length));
      await archive.create(JOB);
      let baits = 0;

      const swapping = whileBusy(async (turn) => {
        await attempt(rename(place, `${place}.${turn}`));
        await attempt(turn % 3 === 0 ? writeFile(place, '') : symlink(outside, place));
        await attempt(unlink(place));
        await attempt(rename(`${place}.${turn}`, place));
      });
      for (let round = 0; round < 2 * ROUNDS; round += 1) {
        if (!existsSync(join(reached, 'bait.txt'))) {
          await writeFiles(reached, { 'bait.txt': 'keep' });
          baits += 1;
        }
        await archive.empty(JOB).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ArchivePathRefused);
        });
      }
      await swapping.stop();
      await archive.sweepTrash();
      // What was moved by mistake is kept in the trash, and was told.
      const left = Object.values(await snapshot(dirname(root)));
      expect(left.filter((text) => text === 'keep')).toHaveLength(baits);
    },
  );

  it.runIf(process.platform === 'linux').each([JOB, dirname(JOB), dirname(dirname(JOB))])(
    'nothing outside is even moved when a thread swaps %s as fast as it can',
    async (swapped) => {
      const { archive, root, outside } = await temporaryArchive();
      const place = join(root, swapped);
      const reached = join(outside, JOB.slice(swapped.length));
      await archive.create(JOB);
      await writeFiles(reached, { 'bait.txt': 'keep' });

      const workerData = { place, outside };
      const thread = new Worker(SWAPPING, { eval: true, workerData });
      await once(thread, 'message');
      for (let round = 0; round < 10 * ROUNDS; round += 1) {
        await archive.empty(JOB).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ArchivePathRefused);
        });
      }
      await thread.terminate();
      expect(await snapshot(reached)).toMatchObject({ 'bait.txt': 'keep' });
      const left = await snapshot(join(outside, '..'));
      expect(Object.values(left).filter((text) => text === 'keep')).toHaveLength(1);
    },
  );

  // Only Linux lets a test act through an open directory, as a job that still runs in it can.
  it.runIf(process.platform === 'linux')(
    'no link is entered that a job still at work in its directory swaps in',
    async () => {
      const { archive, root, outside } = await temporaryArchive();
      const names = Array.from({ length: 20 }, (_, n) => `sub${n}`);
      for (let round = 0; round < ROUNDS / 2; round += 1) {
        const files = names.map((name) => [`${name}/deep/file.txt`, ''] as const);
        await writeFiles(join(root, JOB), Object.fromEntries(files));
        const handle = await open(join(root, JOB));
        const at = `/proc/self/fd/${handle.fd}`;
        const swap = async (name: string): Promise<void> => {
          await attempt(rename(`${at}/${name}`, `${at}/${name}.real`));
          await attempt(symlink(outside, `${at}/${name}`));
        };
        const swapAll = async (): Promise<void> => {
          for (const name of names) await swap(name);
        };
        await Promise.all([archive.empty(JOB), swapAll()]);
        await handle.close();
        expect(await snapshot(root)).toEqual({});
        expect(await snapshot(outside)).toEqual(PRECIOUS);
      }
    },
  );
});

/** A thread that has no wait in it, so that it meets every moment there is. */
const SWAPPING = `
  const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
  const { parentPort, workerData: { place, outside } } = require('node:worker_threads');
  const moves = [
    () => renameSync(place, place + '.real'),
    () => symlinkSync(outside, place),
    () => unlinkSync(place),
    () => renameSync(place + '.real', place),
  ];
  parentPort.postMessage('begins');
  for (;;) for (const move of moves) try { move(); } catch { /* Too late. */ }
`;

/** One move of somebody else's, which may come too late. */
const attempt = async (move: Promise<unknown>): Promise<void> => {
  try {
    await move;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!TOO_LATE.includes(code)) throw error;
  }
};

const TOO_LATE = ['ENOENT', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR', 'EISDIR', 'EPERM'];
