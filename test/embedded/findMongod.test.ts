import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedMongoError } from '../../src/errors.ts';
import { fetchOfficial } from '../../src/embedded/fetchOfficial.ts';
import { fetchWheel } from '../../src/embedded/fetchWheel.ts';
import { findMongod } from '../../src/embedded/findMongod.ts';
import type { MongodFetcher } from '../../src/embedded/mongodFetcher.ts';
import { probeMongod } from '../../src/embedded/probeMongod.ts';
import { runCommand } from '../../src/embedded/runCommand.ts';

let home: string;
let cache: string;
/** Nothing of this machine: no PATH, no cache. */
let bare: NodeJS.ProcessEnv;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'jobwright-find-'));
  cache = join(home, 'shared', 'mongod');
  mkdirSync(join(home, 'bin'));
  bare = { PATH: join(home, 'bin'), HOME: home, JOBWRIGHT_CACHE: join(home, 'shared') };
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** An executable that answers `--version` as a mongod of this version does. */
const writeMongod = (path: string, version: string): string =>
  writeScript(path, `echo "db version v${version}"`);

const writeScript = (path: string, body: string): string => {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
};

const failingFetchers: MongodFetcher[] = [
  {
    source: 'download',
    description: 'the official download',
    fetch: () => Promise.reject(new Error('the host does not answer')),
  },
  {
    source: 'wheel',
    description: 'the Python wheel by pip',
    fetch: () => Promise.reject(new Error('no pip')),
  },
];

const fetcherOf = (version: string): MongodFetcher => ({
  source: 'download',
  description: 'a fetcher of the test',
  fetch: async ({ folder }) => writeMongod(join(folder, 'unpacked', 'mongod'), version),
});

describe('a mongod that the environment names', () => {
  it.each(['JOBWRIGHT_MONGOD', 'MONGOMS_SYSTEM_BINARY'])('is taken from %s', async (variable) => {
    const path = writeMongod(join(home, 'own', 'mongod'), '6.0.5');
    writeMongod(join(home, 'bin', 'mongod'), '7.0.1');

    const found = await findMongod({ home, env: { ...bare, [variable]: path } });

    expect(found).toEqual({ path, source: 'environment' });
  });

  it.each([
    ['is missing', '/nowhere/mongod', 'is not found'],
    ['is no mongod', process.execPath, 'does not answer --version as a mongod does'],
  ])('is refused by name when it %s, instead of another', async (_case, path, reason) => {
    writeMongod(join(home, 'bin', 'mongod'), '7.0.1');

    const search = findMongod({ home, env: { ...bare, JOBWRIGHT_MONGOD: path } });

    await expect(search).rejects.toThrow(EmbeddedMongoError);
    await expect(search).rejects.toThrow(`JOBWRIGHT_MONGOD names ${path}`);
    await expect(search).rejects.toThrow(reason);
  });
});

describe('a mongod on PATH', () => {
  it('is preferred to a cached one', async () => {
    const real = writeMongod(join(home, 'real'), '6.0.5');
    symlinkSync(real, join(home, 'bin', 'mongod'));
    writeMongod(join(cache, 'mongod-7.0.1'), '7.0.1');

    const found = await findMongod({ home, env: bare });

    expect(found).toEqual({ path: join(home, 'bin', 'mongod'), source: 'path' });
  });

  it('is passed over when it is too old', async () => {
    writeMongod(join(home, 'bin', 'mongod'), '4.4.29');
    const path = writeMongod(join(cache, 'mongod-6.0.5'), '6.0.5');
    const steps: string[] = [];

    const found = await findMongod({
      home,
      env: bare,
      report: (step, detail) => steps.push(`${step}: ${detail}`),
    });

    expect(found).toEqual({ path, source: 'cache' });
    expect(steps).toEqual([
      `find: ${join(home, 'bin', 'mongod')}: it is version 4.4.29; version 5.0 or newer is needed`,
      `found: ${path} (MongoDB 6.0.5, from the cache)`,
    ]);
  });
});

describe('a cached mongod', () => {
  it('is the newest that runs', async () => {
    writeMongod(join(cache, 'mongod-6.0.5'), '6.0.5');
    const path = writeMongod(join(cache, 'mongod-10.0.0'), '10.0.0');
    writeScript(join(cache, 'mongod-11.0.0'), 'exit 127');

    expect(await findMongod({ home, env: bare })).toEqual({ path, source: 'cache' });
  });

  it('is fetched once and found from then on, by every project of the user', async () => {
    const path = join(cache, 'mongod-6.0.5');
    const fetchers = [fetcherOf('6.0.5')];

    const first = await findMongod({ home, env: bare, fetchers });
    const second = await findMongod({ home: join(home, 'other'), env: bare, fetchers: [] });

    expect(first).toEqual({ path, source: 'download' });
    expect(second).toEqual({ path, source: 'cache' });
    expect(readdirSync(cache)).toEqual(['mongod-6.0.5']);
  });

  it('is whole when several fetch it at once', async () => {
    const fetchers = [fetcherOf('6.0.5')];
    const search = (): ReturnType<typeof findMongod> => findMongod({ home, env: bare, fetchers });

    const found = await Promise.all([search(), search(), search()]);

    expect(new Set(found.map(({ path }) => path))).toEqual(new Set([join(cache, 'mongod-6.0.5')]));
    expect(readdirSync(cache)).toEqual(['mongod-6.0.5']);
  });

  it('replaces one of its version that no longer runs', async () => {
    writeScript(join(cache, 'mongod-6.0.5'), 'exit 127');

    const found = await findMongod({ home, env: bare, fetchers: [fetcherOf('6.0.5')] });

    expect(found.source).toBe('download');
    expect((await findMongod({ home, env: bare })).source).toBe('cache');
  });

  it('lies under the home when the shared folder cannot be written', async () => {
    writeFileSync(join(home, 'file'), '');
    const env = { ...bare, JOBWRIGHT_CACHE: join(home, 'file', 'below') };

    const found = await findMongod({ home, env, fetchers: [fetcherOf('6.0.5')] });

    expect(found.path).toBe(join(home, 'cache', 'mongod', 'mongod-6.0.5'));
    expect((await findMongod({ home, env })).source).toBe('cache');
  });

  it('is a copy when the fetcher found one elsewhere', async () => {
    const elsewhere = writeMongod(join(home, 'elsewhere', 'mongod'), '6.0.5');
    const fetcher = { ...fetcherOf('6.0.5'), fetch: async () => elsewhere };

    const found = await findMongod({ home, env: bare, fetchers: [fetcher] });

    expect(found.path).toBe(join(cache, 'mongod-6.0.5'));
    expect(existsSync(elsewhere)).toBe(true);
  });
});

describe('when nothing works', () => {
  it('one error lists each thing tried with its reason, and what to do', async () => {
    writeScript(join(cache, 'mongod-6.0.5'), 'echo "libcurl.so.4 is missing" >&2; exit 127');

    const error = await findMongod({ home, env: bare, fetchers: failingFetchers }).catch(
      (caught: unknown) => caught,
    );

    expect(error).toBeInstanceOf(EmbeddedMongoError);
    expect((error as EmbeddedMongoError).code).toBe('EMBEDDED_MONGO');
    expect((error as Error).message.split('\n')).toEqual([
      'No usable mongod was found. Tried:',
      '- mongod on PATH: there is none',
      `- ${join(cache, 'mongod-6.0.5')}: libcurl.so.4 is missing (ended with code 127)`,
      '- the official download: the host does not answer',
      '- the Python wheel by pip: no pip',
      expect.stringMatching(/Install MongoDB.*JOBWRIGHT_MONGOD .*JOBWRIGHT_MONGODB_URI/),
    ]);
    expect(readdirSync(cache)).toEqual(['mongod-6.0.5']);
  });

  it('an abort ends the search at once', async () => {
    const abort = new AbortController();
    const fetcher: MongodFetcher = {
      ...fetcherOf('6.0.5'),
      fetch: ({ signal }) => {
        abort.abort(new Error('enough'));
        return Promise.reject(signal?.reason as Error);
      },
    };

    const search = findMongod({ home, env: bare, fetchers: [fetcher], signal: abort.signal });

    await expect(search).rejects.toThrow('enough');
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe('the official download', () => {
  let server: Server;
  let port: number;

  /** A host that takes connections and never says a word. */
  beforeEach(async () => {
    server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = typeof address === 'object' && address ? address.port : 0;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const mirror = (): NodeJS.ProcessEnv => ({
    ...bare,
    MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${port}`,
    MONGOMS_USE_HTTP: 'true',
    MONGOMS_VERSION: '7.0.14',
  });
  const download = (signal?: AbortSignal): Promise<string> =>
    fetchOfficial.fetch({ folder: home, env: mirror(), report: () => undefined, signal });

  it('fails with its reason when the host is not there', async () => {
    await new Promise((resolve) => server.close(resolve));

    await expect(download()).rejects.toThrow('ECONNREFUSED');
  });

  it('ends with the signal while a host keeps silent, and drops the connection', async () => {
    const abort = new AbortController();
    const dropped = new Promise<void>((resolve) => {
      server.once('connection', (socket) => {
        socket.resume().once('close', () => resolve());
        socket.once('error', () => resolve());
        abort.abort(new Error('enough'));
      });
    });

    await expect(download(abort.signal)).rejects.toThrow('enough');
    await dropped;
  });

  it('is given up when it says nothing in time', async () => {
    const hanging = runCommand(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], {
      env: bare,
      limitMilliseconds: 60_000,
      firstLineMilliseconds: 50,
    });

    await expect(hanging).rejects.toThrow('nothing came within 0.05 s; it was given up');
  });
});

describe.runIf(process.platform === 'linux' && process.arch === 'x64')('the Python wheel', () => {
  const fetch = (env: NodeJS.ProcessEnv): Promise<string> => {
    const folder = mkdtempSync(join(home, 'work-'));
    return fetchWheel.fetch({ folder, env, report: () => undefined, signal: undefined });
  };

  it('needs python3', async () => {
    await expect(fetch(bare)).rejects.toThrow('python3 ENOENT');
  });

  it('is refused when its digest is not the known one', async () => {
    const takeDestination = 'while [ "$1" != --dest ]; do shift; done';
    writeScript(join(home, 'bin', 'python3'), `${takeDestination}; echo other > "$2/fiftyone.whl"`);

    await expect(fetch(bare)).rejects.toThrow(/fiftyone\.whl has the digest [0-9a-f]{64}, not/);
  });

  it('says what pip says when pip fails', async () => {
    writeScript(join(home, 'bin', 'python3'), 'echo "No module named pip" >&2; exit 1');

    await expect(fetch(bare)).rejects.toThrow('No module named pip (ended with code 1)');
  });

  it.runIf(process.env['JOBWRIGHT_TEST_FETCH'])('holds a mongod that runs', async () => {
    const env = { ...process.env, JOBWRIGHT_CACHE: join(home, 'shared') };
    const work = mkdtempSync(join(home, 'work-'));

    const path = await fetchWheel.fetch({
      folder: work,
      env,
      report: () => undefined,
      signal: undefined,
    });
    chmodSync(path, 0o755);

    expect(await probeMongod(path, env)).toBe('6.0.5');
  });
});
