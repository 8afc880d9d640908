import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, sep } from 'node:path';

const executableSuffix = process.platform === 'win32' ? '.exe' : '';
const workPrefix = '.fetch-';

/**
 * Where fetched mongods are kept, the preferred folder first: one of the user's that all projects
 * share (JOBWRIGHT_CACHE moves it), then one under the home for a user without a writable one.
 */
export const cacheFolders = (home: string, env: NodeJS.ProcessEnv): string[] => {
  const xdg = env['XDG_CACHE_HOME'];
  const userCache = xdg && isAbsolute(xdg) ? xdg : join(env['HOME'] || homedir(), '.cache');
  const shared = env['JOBWRIGHT_CACHE'] || join(userCache, 'jobwright');
  return [join(shared, 'mongod'), join(home, 'cache', 'mongod')];
};

/** The mongods that a cache folder holds, the newest version first; none where there is no folder. */
export const listCached = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder).catch(() => []);
  const pattern = /^mongod-\d+\.\d+\.\d+(\.exe)?$/;
  return names
    .filter((name) => pattern.test(name))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => join(folder, name));
};

/**
 * A private folder to fetch into, inside the first cache folder that can be written,
 * so that what is ready is moved into place by one rename.
 */
export const openWorkFolder = async (
  folders: readonly string[],
): Promise<{ cache: string; work: string }> => {
  const refusals: unknown[] = [];
  for (const cache of folders) {
    try {
      await mkdir(cache, { recursive: true, mode: 0o700 });
      await removeAbandoned(cache);
      return { cache, work: await mkdtemp(join(cache, workPrefix)) };
    } catch (error) {
      refusals.push(error);
    }
  }
  throw new AggregateError(refusals, `no cache folder can be written: ${folders.join(', ')}`);
};

/** A fetched mongod as an executable file in the work folder; one that lies elsewhere is copied. */
export const draftOf = async (work: string, fetched: string): Promise<string> => {
  const isInside = fetched.startsWith(work + sep);
  const draft = isInside ? fetched : join(work, 'copy');
  if (!isInside) await copyFile(fetched, draft);
  await chmod(draft, 0o755);
  return draft;
};

/**
 * Makes a draft the cached mongod of its version and returns its path. A rename replaces
 * whole files only: of two processes that do this at once, either's file is whole.
 */
export const keepInCache = async (
  cache: string,
  draft: string,
  version: string,
): Promise<string> => {
  const kept = join(cache, `mongod-${version}${executableSuffix}`);
  await rename(draft, kept);
  return kept;
};

/** What a killed fetch left. By age and not by pid: another container may share the folder. */
const removeAbandoned = async (cache: string): Promise<void> => {
  const hour = 3_600_000;
  for (const name of await readdir(cache)) {
    if (!name.startsWith(workPrefix)) continue;
    const path = join(cache, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > hour)
      await rm(path, { recursive: true, force: true });
  }
};
