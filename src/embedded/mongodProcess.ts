import { randomInt } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedMongoError } from '../errors.ts';
import type { HomePaths } from './homeState.ts';
import type { ReportProgress } from './mongodFetcher.ts';
import {
  commandLineOf,
  identifyProcess,
  isAlive,
  signalProcess,
  type ProcessIdentity,
} from './processIdentity.ts';

export const replicaSetName = 'jobwright';

export interface LaunchOptions {
  readonly binary: string;
  readonly port: number;
  readonly cacheSizeGB: number;
  readonly env: NodeJS.ProcessEnv;
}

/** A mongod that this process spawned, and how it ended if it has. */
export interface SpawnedMongod {
  readonly identity: ProcessIdentity;
  /** Why it ended, with its last words; undefined while it runs. */
  readonly ending: () => string | undefined;
}

/**
 * Spawns a mongod on the home's data, on loopback only and without a socket file. It is detached,
 * with its output in the log file: neither Ctrl-C nor a kill -9 of this process ends it.
 */
export const spawnMongod = async (
  paths: HomePaths,
  options: LaunchOptions,
): Promise<SpawnedMongod> => {
  rotateLog(paths.log);
  const log = openSync(paths.log, 'a', 0o600);
  const logStart = statSync(paths.log).size;
  const child = spawn(options.binary, mongodArguments(paths, options), {
    detached: true,
    stdio: ['ignore', log, log],
    env: options.env,
    windowsHide: true,
  });
  closeSync(log);
  let how: string | undefined;
  child.once('exit', (code, signal) => {
    how = signal ? `killed by ${signal}` : `code ${code}${exitReasons[code ?? 0] ?? ''}`;
  });
  const ending = (): string | undefined => how && `${how}. ${lastWords(paths.log, logStart)}`;
  await once(child, 'spawn');
  child.unref();
  const identity = identifyProcess(child.pid ?? 0);
  if (identity) return { identity, ending };
  // It ended between the spawn and the look at it.
  if (how === undefined) await once(child, 'exit');
  throw new MongodEnded(`mongod ended at once: ${ending()}`);
};

/** The mongod has ended while it was waited for; whoever waits may look again. */
export class MongodEnded extends EmbeddedMongoError {}

const mongodArguments = (
  paths: HomePaths,
  { port, cacheSizeGB }: LaunchOptions,
): readonly string[] => [
  // These two come first, in this order: `findByCommandLine` reads them back.
  ...['--dbpath', paths.data, '--port', String(port)],
  ...['--replSet', replicaSetName],
  ...['--bind_ip', '127.0.0.1', '--nounixsocket'],
  ...['--wiredTigerCacheSizeGB', String(cacheSizeGB), '--oplogSize', '1024', '--quiet'],
  ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
  // A set of one has nobody to hand over to: end at once on SIGTERM instead of after 15 s.
  ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=0'],
];

/** The mongod of this data by the pid it wrote into its own lock file; no other program passes. */
export const findByCommandLine = (
  paths: HomePaths,
): { identity: ProcessIdentity; port: number; binary: string } | undefined => {
  const pid = Number(readLockedPid(paths));
  const identity = pid > 0 ? identifyProcess(pid) : undefined;
  if (!identity) return undefined;
  const command = commandLineOf(pid);
  const place = command.indexOf(` --dbpath ${paths.data} --port `);
  const port = /--port (\d+) --replSet jobwright /.exec(command.slice(Math.max(place, 0)))?.[1];
  if (place < 0 || !port) return undefined;
  return { identity, port: Number(port), binary: command.slice(0, place) };
};

/** What mongod.lock holds: a pid while mongod runs or after it was killed, nothing after a clean stop. */
export const readLockedPid = (paths: HomePaths): string => {
  try {
    return readFileSync(`${paths.data}/mongod.lock`, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
};

/** Ends this very mongod: asks with SIGTERM, and after 20 s with SIGKILL. Resolves once it is gone. */
export const endMongod = async (target: ProcessIdentity, report: ReportProgress): Promise<void> => {
  signalProcess(target, 'SIGTERM');
  if (await isGoneWithin(target, 20_000)) return;
  report('stop', `mongod ${target.pid} did not end within 20 s and is killed`);
  signalProcess(target, 'SIGKILL');
  if (await isGoneWithin(target, 10_000)) return;
  throw new EmbeddedMongoError(`mongod ${target.pid} does not end; end it by hand`);
};

const isGoneWithin = async (target: ProcessIdentity, milliseconds: number): Promise<boolean> => {
  const deadline = Date.now() + milliseconds;
  while (isAlive(target)) {
    if (Date.now() > deadline) return false;
    await delay(20);
  }
  return true;
};

/**
 * The wished port when it is free on loopback, else one that is. It lies below the ports that systems give
 * to outgoing connections: one of those could hold it while a mongod that died is started again.
 */
export const choosePort = async (wished: number | undefined): Promise<number> => {
  const tries = Array.from({ length: 20 }, () => randomInt(20_000, 32_768));
  for (const port of wished === undefined ? tries : [wished, ...tries]) {
    const free = await tryPort(port);
    if (free !== undefined) return free;
  }
  return (await tryPort(0)) ?? 0;
};

/** The port that was bound and given back; undefined when it is taken. */
const tryPort = (port: number): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(undefined) : reject(error),
    );
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });

const exitReasons: Readonly<Record<number, string>> = {
  48: ' (its port is taken)',
  62: ' (the data was written by another version of mongod; set JOBWRIGHT_MONGOD to that one)',
  100: ' (its data folder cannot be used; another mongod may use it)',
};

const rotateLog = (path: string): void => {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 20_000_000) renameSync(path, `${path}.1`);
};

/** The errors that mongod logged since it was started, or its last lines when it logged none. */
const lastWords = (path: string, from: number): string => {
  if (!existsSync(path)) return `Its log ${path} is gone`;
  const lines = readFileSync(path).subarray(from).toString('utf8').trim().split('\n');
  const errors = lines.filter((line) => /"s":"[EF]"/.test(line));
  const chosen = (errors.length > 0 ? errors : lines).slice(-3).map((line) => line.slice(0, 400));
  return `Its log ${path} says: ${chosen.join(' | ') || 'nothing'}`;
};
