import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { EmbeddedMongoError } from '../../src/errors.ts';
import { startEmbeddedMongo, type EmbeddedMongo } from '../../src/embedded/embeddedMongo.ts';
import { findRunning } from '../../src/embedded/ensureMongod.ts';
import { openHome, readState, writeState, type HomePaths } from '../../src/embedded/homeState.ts';
import { endMongod } from '../../src/embedded/mongodProcess.ts';
import { identifyProcess } from '../../src/embedded/processIdentity.ts';
import { bundleForChild, spawnChild, type TestChild } from '../support/childProcess.ts';
import { waitUntil } from '../support/waitUntil.ts';

let bundle: string;
let home: string;
let paths: HomePaths;
/** Handles and strangers of a test, ended after it however it went. */
let started: EmbeddedMongo[];
let strangers: ChildProcess[];

beforeAll(async () => {
  bundle = await bundleForChild(fileURLToPath(new URL('fixtures/mongoUser.ts', import.meta.url)));
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'jobwright-embedded-'));
  paths = openHome(home);
  started = [];
  strangers = [];
});
afterEach(async () => {
  for (const mongo of started) await mongo.stop();
  for (const stranger of strangers) stranger.kill('SIGKILL');
  const left = findRunning(paths);
  if (left) await endMongod(left.mongod, () => undefined);
  rmSync(home, { recursive: true, force: true });
});

/** A user in this process, with what it reports and a way to wait for a report. */
const use = async (
  options: { port?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<{
  mongo: EmbeddedMongo;
  reports: string[];
  reported: (step: string) => Promise<void>;
}> => {
  const reports: string[] = [];
  let wake = (): void => undefined;
  const report = (step: string, detail: string): void => {
    reports.push(`${step}: ${detail}`);
    wake();
  };
  const mongo = await startEmbeddedMongo({ home, report, ...options });
  started.push(mongo);
  /** Resolves once a report of this step has come that no earlier call has seen. */
  let seen = reports.length;
  const reported = async (step: string): Promise<void> => {
    for (;;) {
      while (seen < reports.length) if (reports[seen++]?.startsWith(`${step}:`)) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { mongo, reports, reported };
};

/** A user in a process of its own, once it is ready. */
const useInChild = async (): Promise<{
  child: TestChild;
  pid: number;
  uri: string;
  owned: boolean;
}> => {
  const child = spawnChild(bundle, { args: [home] });
  const ready = await child.messageWhere(({ type }) => type === 'ready');
  return { child, ...(ready as { pid: number; uri: string; owned: boolean }) };
};

const isGone = (pid: number): boolean => identifyProcess(pid) === undefined;

const write = (uri: string, value: string): Promise<unknown> =>
  withCollection(uri, (values) =>
    values.insertOne({ value }, { writeConcern: { w: 'majority', journal: true } }),
  );

const readAll = (uri: string): Promise<string[]> =>
  withCollection(uri, async (values) =>
    (await values.find({}, { sort: { _id: 1 } }).toArray()).map(({ value }) => value),
  );

type Values = ReturnType<typeof valuesOf>;
const valuesOf = (client: MongoClient) => client.db('kept').collection<{ value: string }>('values');

const withCollection = async <T>(uri: string, work: (values: Values) => Promise<T>): Promise<T> => {
  const client = new MongoClient(uri);
  try {
    await client.connect();
    return await work(valuesOf(client));
  } finally {
    await client.close();
  }
};

/** Listens on a port; another test that looks for a free one may hold it for a moment. */
async function takePort(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  const listening = (): Promise<string | true> =>
    new Promise((resolve) => {
      server.once('error', ({ message }) => resolve(message));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
  await waitUntil(`port ${port}`, listening, 10_000);
  return server;
}

describe('the embedded MongoDB', () => {
  it('takes majority writes, stops without a trace and keeps its data and address', async () => {
    const first = await use();
    await write(first.mongo.uri, 'one');
    const pid = first.mongo.pid;
    await first.mongo.stop();

    expect(isGone(pid)).toBe(true);
    expect(readFileSync(join(paths.data, 'mongod.lock'), 'utf8')).toBe('');

    const binary = first.mongo.binary.path;
    const second = await use({ env: { JOBWRIGHT_MONGOD: binary } });
    expect(await readAll(second.mongo.uri)).toEqual(['one']);
    expect(second.mongo.binary).toEqual({ path: binary, source: 'environment' });
    expect(second.mongo.uri).toBe(first.mongo.uri);
    expect(second.mongo.owned).toBe(true);
    expect(second.reports).toEqual([
      expect.stringMatching(/^found: .*mongod.* \(MongoDB .*, from the environment\)$/),
      expect.stringMatching(/^start: mongod on 127\.0\.0\.1:\d+ with the data /),
      expect.stringMatching(/^ready: mongod \d+ takes writes on 127\.0\.0\.1:\d+$/),
    ]);
  });

  it('takes another port, with the same data, when its own is taken meanwhile', async () => {
    const first = await use();
    await write(first.mongo.uri, 'one');
    await first.mongo.stop();
    const port = Number(new URL(first.mongo.uri).port);
    const squatter = await takePort(port);
    try {
      const second = await use();
      await write(second.mongo.uri, 'two');

      expect(second.mongo.uri).not.toBe(first.mongo.uri);
      expect(await readAll(second.mongo.uri)).toEqual(['one', 'two']);
    } finally {
      squatter.close();
    }
  });

  it('refuses a port that was asked for and is taken, and leaves nothing behind', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const address = squatter.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      const start = startEmbeddedMongo({ home, port });

      await expect(start).rejects.toThrow(EmbeddedMongoError);
      await expect(start).rejects.toThrow('its port is taken');
      expect(findRunning(paths)).toBeUndefined();
    } finally {
      squatter.close();
    }
  });

  it('leaves nothing behind when the start is aborted', async () => {
    const abort = new AbortController();
    const report = (step: string): void => {
      if (step === 'start') setImmediate(() => abort.abort(new Error('enough')));
    };

    await expect(startEmbeddedMongo({ home, report, signal: abort.signal })).rejects.toThrow();
    expect(findRunning(paths)).toBeUndefined();
  });

  it('listens on 127.0.0.1 only, with no socket file', async () => {
    const { mongo } = await use();
    const port = Number(new URL(mongo.uri).port);
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, scopeid }) => !internal && !scopeid)
      .map(({ address }) => address);

    expect(await connects('127.0.0.1', port)).toBe(true);
    for (const address of [...others, '::1']) expect(await connects(address, port)).toBe(false);
    if (process.platform === 'linux') expect(listeners(port)).toEqual(['0100007F']);
    expect(existsSync(`/tmp/mongodb-${port}.sock`)).toBe(false);
  });
});

describe('a mongod that is killed', () => {
  it('is started again on the same port and data, whoever uses it', async () => {
    const { mongo, reports, reported } = await use();
    const killed = mongo.pid;
    await withCollection(mongo.uri, async (values) => {
      await values.insertOne({ value: 'before' }, { writeConcern: { w: 'majority' } });
      process.kill(killed, 'SIGKILL');
      await reported('ready');
      await values.insertOne({ value: 'after' }, { writeConcern: { w: 'majority' } });
    });

    expect(await readAll(mongo.uri)).toEqual(['before', 'after']);
    await vi.waitUntil(() => mongo.pid !== killed);
    expect(reports).toContain(`restart: mongod ${killed} has ended unexpectedly`);
  });

  it('is recovered by the next service when the service was killed with it', async () => {
    const { child, pid, uri } = await useInChild();
    await write(uri, 'one');
    await child.kill();
    process.kill(pid, 'SIGKILL');
    await vi.waitUntil(() => isGone(pid));

    const { mongo, reports } = await use();

    expect(await readAll(mongo.uri)).toEqual(['one']);
    expect(mongo.uri).toBe(uri);
    expect(reports).toContain(
      `recover: mongod ${pid} ended without a clean stop; its journal is replayed`,
    );
  });
});

describe('a service that is killed', () => {
  it('leaves its mongod to the next, which answers for it from then on', async () => {
    const { child, pid, uri } = await useInChild();
    await write(uri, 'one');
    await child.kill();

    const { mongo, reports, reported } = await use();
    expect({ pid: mongo.pid, uri: mongo.uri, owned: mongo.owned }).toEqual({
      pid,
      uri,
      owned: true,
    });
    expect(reports).toEqual([`take over: mongod ${pid}, left running by process ${child.pid}`]);

    process.kill(pid, 'SIGKILL');
    await reported('ready');
    expect(await readAll(mongo.uri)).toEqual(['one']);
    await mongo.stop();
    expect(isGone(mongo.pid)).toBe(true);
  });

  it.each([
    [
      'had not written down its pid yet',
      (state: string) => state.replace(/"mongod": \{[^}]*\}/, '"mongod": null'),
    ],
    ['left a state that cannot be read', () => '{"port": 1'],
  ])('is no less followed when it %s', async (_case, change) => {
    const { child, pid, uri } = await useInChild();
    await child.kill();
    writeFileSync(paths.state, change(readFileSync(paths.state, 'utf8')));

    const { mongo } = await use();

    expect({ pid: mongo.pid, uri: mongo.uri, owned: mongo.owned }).toEqual({
      pid,
      uri,
      owned: true,
    });
  });

  it('hands its mongod to the one that shared it', async () => {
    const { child, pid } = await useInChild();
    const { mongo, reports, reported } = await use();
    expect(mongo.owned).toBe(false);
    expect(reports).toEqual([`share: mongod ${pid} of process ${child.pid}`]);

    await child.kill();
    await reported('take over');
    await vi.waitUntil(() => mongo.owned);

    expect({ pid: mongo.pid, owned: mongo.owned }).toEqual({ pid, owned: true });
  });
});

describe('a service that ends', () => {
  it('stops its mongod and is held back by nothing', async () => {
    const { child, pid } = await useInChild();

    child.tell({ type: 'stop' });

    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(isGone(pid)).toBe(true);
  });

  it('ends its mongod also when it exits without a stop', async () => {
    const { child, pid } = await useInChild();

    child.tell({ type: 'exit' });

    expect(await child.ended).toEqual({ code: 0, signal: null });
    await vi.waitUntil(() => isGone(pid), { timeout: 20_000 });
  });
});

describe('several services of one home', () => {
  it('that start at once share one mongod, which ends with the last of them', async () => {
    const [one, two] = await Promise.all([useInChild(), useInChild()]);
    expect(one.pid).toBe(two.pid);
    expect([one.owned, two.owned].sort()).toEqual([false, true]);
    const [owner, sharer] = one.owned ? [one, two] : [two, one];

    owner.child.tell({ type: 'stop' });
    await owner.child.ended;
    await write(sharer.uri, 'one');
    expect(isGone(one.pid)).toBe(false);

    sharer.child.tell({ type: 'stop' });
    await sharer.child.ended;
    expect(isGone(one.pid)).toBe(true);
  });

  it('may be in one process', async () => {
    const [one, two] = await Promise.all([use(), use()]);
    const pid = one.mongo.pid;
    expect(two.mongo.pid).toBe(pid);
    expect([one.mongo.owned, two.mongo.owned].sort()).toEqual([false, true]);

    await one.mongo.stop();
    expect(isGone(pid)).toBe(false);
    await two.mongo.stop();
    expect(isGone(pid)).toBe(true);
  });
});

describe('a program that got the pid of a dead mongod', () => {
  it('is recognised and never touched', async () => {
    const first = await use();
    await write(first.mongo.uri, 'one');
    await first.mongo.stop();
    const stranger = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 60_000)']);
    strangers.push(stranger);
    const pid = stranger.pid ?? 0;
    const state = readState(paths);
    if (!state) throw new Error('there is no state');
    const reused = { pid, started: 'another time' };
    writeState(paths, { ...state, mongod: reused, owner: { ...reused, user: `${pid}-x` } });
    writeFileSync(join(paths.data, 'mongod.lock'), `${pid}\n`);

    const second = await use();
    expect(second.mongo.pid).not.toBe(pid);
    expect(second.reports).toContain(
      `recover: mongod ${pid} ended without a clean stop; its journal is replayed; the pid is now that of another program, which is left alone`,
    );
    expect(await readAll(second.mongo.uri)).toEqual(['one']);
    await second.mongo.stop();

    expect(isGone(pid)).toBe(false);
    expect(stranger.signalCode).toBeNull();
  });
});

/** Whether something accepts a connection there. */
const connects = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host, port });
    const finish = (isOpen: boolean) => (): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', finish(true)).once('error', finish(false));
  });

/** The addresses, as the kernel writes them, on which something listens on this port. */
const listeners = (port: number): string[] =>
  ['/proc/net/tcp', '/proc/net/tcp6']
    .filter((table) => existsSync(table))
    .flatMap((table) => readFileSync(table, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === '0A')
    .map(([, local = '']) => local.split(':'))
    .filter(([, hexPort = '']) => Number.parseInt(hexPort, 16) === port)
    .map(([address = '']) => address);
