import { mkdir, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openArchive } from '../../src/archive/archive.ts';
import type { Archive } from '../../src/archive/archive.ts';

/** A root of its own for one test, and beside it a directory that nothing may ever touch. */
export interface TemporaryArchive {
  readonly archive: Archive;
  readonly root: string;
  readonly outside: string;
}

/** The two files that `outside` begins with, and must end with. */
export const PRECIOUS = { 'precious.txt': 'keep me', 'deep/also.txt': 'and me' };

export const temporaryArchive = async (
  prefixes: readonly string[] = ['/products/v2'],
): Promise<TemporaryArchive> => {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'jobwright-archive-')));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  const root = join(base, 'root');
  const outside = join(base, 'outside');
  await writeFiles(outside, PRECIOUS);
  return { archive: openArchive({ root, prefixes }), root, outside };
};

/** Writes files, with the directories that they need. */
export const writeFiles = async (
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<void> => {
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
};

/** Everything in and below a directory: a file by its text, a link or a pipe by its kind. */
export const snapshot = async (directory: string): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isFile()) found[entry.name] = await readFile(path, 'utf8');
    else if (!entry.isDirectory())
      found[entry.name] = entry.isSymbolicLink() ? '<link>' : '<other>';
    else {
      const below = Object.entries(await snapshot(path));
      for (const [name, text] of below) found[`${entry.name}/${name}`] = text;
    }
  }
  return found;
};

/** Runs as a user without special rights: the file system lets the superuser do everything. */
export const asOrdinaryUser = async <T>(work: () => Promise<T>): Promise<T> => {
  if (process.geteuid?.() !== 0 || !process.seteuid) return work();
  process.seteuid(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid(0);
  }
};

export const NOBODY = 65_534;

/** Repeats work until it is stopped, at the latest with its test; `stop` tells what went wrong. */
export const whileBusy = (
  work: (turn: number) => Promise<void>,
): { readonly stop: () => Promise<void> } => {
  let running = true;
  let failure: unknown;
  const done = (async () => {
    for (let turn = 0; running; turn += 1) await work(turn);
  })().catch((error: unknown) => {
    failure = error;
  });
  const stop = async (): Promise<void> => {
    running = false;
    await done;
    if (failure !== undefined)
      throw new Error('what went on at the same time failed', { cause: failure });
  };
  onTestFinished(() => stop());
  return { stop };
};
