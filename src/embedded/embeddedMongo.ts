import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { EmbeddedMongoError } from '../errors.ts';
import {
  ensureMongod,
  findRunning,
  type EnsureOptions,
  type RunningState,
} from './ensureMongod.ts';
import { findMongod, type MongodBinary } from './findMongod.ts';
import { withHomeLock } from './homeLock.ts';
import {
  isLiveUser,
  liveUsers,
  openHome,
  registerUser,
  unregisterUser,
  writeState,
} from './homeState.ts';
import type { ReportProgress } from './mongodFetcher.ts';
import { endMongod } from './mongodProcess.ts';
import { isAlive, signalProcess } from './processIdentity.ts';
import { mongoUri } from './replicaSet.ts';

export interface EmbeddedMongoOptions {
  /** The folder under which data, log and state are kept (`<home>/mongodb`). */
  readonly home: string;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly report?: ReportProgress | undefined;
  /** The port to listen on; without one, that of last time if it is free, else any free one. */
  readonly port?: number | undefined;
  /** Memory for WiredTiger's cache, in GB; 0.25 unless told otherwise. */
  readonly cacheSizeGB?: number | undefined;
  /** Ends the start; has no effect afterwards. */
  readonly signal?: AbortSignal | undefined;
}

/** A running mongod of a home, as one of its users sees it. */
export interface EmbeddedMongo {
  /** The same through restarts. */
  readonly uri: string;
  readonly pid: number;
  readonly binary: MongodBinary;
  /** Whether this user started it or took it over; a mongod of another live user is shared. */
  readonly owned: boolean;
  /** Leaves the mongod; the last user to leave stops it and waits for its end. */
  stop(): Promise<void>;
}

/**
 * Runs the home's persistent replica set of one, on loopback only, and resolves once it takes
 * writes. All processes of one home share one mongod. It outlives a kill -9 of any of them and is
 * taken over by the next; a mongod that dies is started again on the same port and data.
 */
export const startEmbeddedMongo = async (options: EmbeddedMongoOptions): Promise<EmbeddedMongo> => {
  const { home, env = process.env, report = () => undefined, signal } = options;
  const paths = openHome(home);
  const lock = {
    signal,
    onWait: ({ pid }: { pid: number }) => report('wait', `process ${pid} prepares this home`),
  };
  return withHomeLock(
    paths.lock,
    async () => {
      const user = registerUser(paths);
      const ensure: EnsureOptions = {
        paths,
        user,
        find: () => findMongod({ home, env, report, signal }),
        port: options.port,
        cacheSizeGB: options.cacheSizeGB ?? 0.25,
        env,
        report,
        signal,
      };
      try {
        return attend(ensure, await ensureMongod(ensure));
      } catch (error) {
        unregisterUser(paths, user);
        throw error;
      }
    },
    lock,
  );
};

/** Watches over the mongod for as long as its user wants it. */
const attend = (options: EnsureOptions, first: RunningState): EmbeddedMongo => {
  const { user } = options;
  let state = first;
  const stopping = new AbortController();
  const watching = watch(
    { ...options, port: first.port, signal: stopping.signal },
    () => state,
    (next) => (state = next),
  );
  const onExit = (): void => leaveAtExit(options, state);
  process.once('exit', onExit);
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await watching;
    await leave(options, state);
    process.off('exit', onExit);
  };
  return {
    uri: mongoUri(first.port),
    get pid() {
      return state.mongod.pid;
    },
    get binary() {
      return state.binary;
    },
    get owned() {
      return state.owner?.user === user;
    },
    stop: () => (stopped ??= stop()),
  };
};

const longestPause = 30_000;
const shortestPause = 500;

/** Looks twice a second, without keeping the process alive; ends when the signal says so. */
const watch = async (
  options: EnsureOptions & { readonly signal: AbortSignal },
  current: () => RunningState,
  update: (state: RunningState) => void,
): Promise<void> => {
  const { paths, report, signal } = options;
  let pause = shortestPause;
  while (await passes(pause, signal)) {
    try {
      const { mongod, owner } = current();
      const hasOwner = owner !== null && isLiveUser(paths, owner.user);
      if (isAlive(mongod) && hasOwner) continue;
      if (!isAlive(mongod)) report('restart', `mongod ${mongod.pid} has ended unexpectedly`);
      update(await withHomeLock(paths.lock, () => ensureMongod(options), { signal }));
      pause = shortestPause;
    } catch (error) {
      if (signal.aborted) return;
      pause = Math.min(pause * 2, longestPause);
      report('restart', `failed, next try in ${pause / 1_000} s: ${(error as Error).message}`);
    }
  }
};

/** True after the pause, false at once when aborted. */
const passes = (milliseconds: number, signal: AbortSignal): Promise<boolean> =>
  delay(milliseconds, true, { signal, ref: false }).catch((error: unknown) => {
    if (signal.aborted) return false;
    throw error;
  });

const leave = async (
  { paths, user, report }: EnsureOptions,
  state: RunningState,
): Promise<void> => {
  const stopUnlessUsed = async (): Promise<void> => {
    unregisterUser(paths, user);
    const others = liveUsers(paths).length;
    if (others > 0) return report('stop', `mongod goes on for ${others} other user(s)`);
    const running = findRunning(paths);
    if (running) await endMongod(running.mongod, report);
    writeState(paths, { ...(running ?? state), mongod: null, owner: null });
    report('stop', 'mongod has ended');
  };
  try {
    await withHomeLock(paths.lock, stopUnlessUsed, { limitMilliseconds: 10_000 });
  } catch (error) {
    if (!(error instanceof EmbeddedMongoError)) throw error;
    unregisterUser(paths, user);
    report('stop', `mongod is left running: ${error.message}`);
  }
};

/** For a process that exits without `stop`: only what can be done at once, and is safe unlocked. */
const leaveAtExit = ({ paths, user }: EnsureOptions, state: RunningState): void => {
  unregisterUser(paths, user);
  // Whoever holds the lock is about to use the mongod, or ends it himself.
  if (existsSync(paths.lock) || liveUsers(paths).length > 0) return;
  signalProcess(state.mongod, 'SIGTERM');
};
