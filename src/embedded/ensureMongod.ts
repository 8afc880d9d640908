import { EmbeddedMongoError } from '../errors.ts';
import type { MongodBinary } from './findMongod.ts';
import { isLiveUser, readState, writeState, type HomePaths, type HomeState } from './homeState.ts';
import type { ReportProgress } from './mongodFetcher.ts';
import {
  choosePort,
  endMongod,
  findByCommandLine,
  MongodEnded,
  readLockedPid,
  spawnMongod,
} from './mongodProcess.ts';
import { identifyProcess, isAlive } from './processIdentity.ts';
import { makePrimary } from './replicaSet.ts';

export interface EnsureOptions {
  readonly paths: HomePaths;
  /** The user on whose behalf this is done, as `registerUser` named it. */
  readonly user: string;
  /** Finds a mongod; called only when one must be started. */
  readonly find: () => Promise<MongodBinary>;
  /** The only port that will do: one asked for, or the one that clients know already. */
  readonly port: number | undefined;
  readonly cacheSizeGB: number;
  readonly env: NodeJS.ProcessEnv;
  readonly report: ReportProgress;
  readonly signal: AbortSignal | undefined;
}

/** The state of a home whose mongod runs. */
export type RunningState = HomeState & { readonly mongod: NonNullable<HomeState['mongod']> };

/**
 * Makes sure that the home's mongod runs and takes writes. One that runs is shared while the
 * process that answers for it lives, and taken over once that is gone; a dead one is started again
 * on the same data. The caller holds the home's lock.
 */
export const ensureMongod = async (options: EnsureOptions): Promise<RunningState> => {
  for (let attempt = 1; ; attempt += 1) {
    const running = findRunning(options.paths);
    try {
      return running ? await join(options, running) : await launch(options);
    } catch (error) {
      // It was ending when it was found, or something took the port or the data at that moment.
      if (!(error instanceof MongodEnded) || attempt === 3) throw error;
      options.report('start', `trying again: ${error.message}`);
    }
  }
};

/**
 * The home's mongod, if it is alive: by the stored state, else by mongod's own lock file, for one
 * whose starter was killed before it could write down the pid.
 */
export const findRunning = (paths: HomePaths): RunningState | undefined => {
  const state = readState(paths);
  if (state?.mongod && isAlive(state.mongod)) return { ...state, mongod: state.mongod };
  const found = findByCommandLine(paths);
  if (!found) return undefined;
  const isKnown = state?.binary.path === found.binary;
  const binary = isKnown ? state.binary : { path: found.binary, source: 'path' as const };
  return { port: found.port, binary, mongod: found.identity, owner: null };
};

const join = async (options: EnsureOptions, running: RunningState): Promise<RunningState> => {
  const { paths, user, report, signal, port } = options;
  const { mongod, owner } = running;
  if (port !== undefined && port !== running.port) {
    throw new EmbeddedMongoError(
      `mongod ${mongod.pid} of this home listens on port ${running.port}, not on ${port}; leave the port open or stop its users`,
    );
  }
  const ending = (): string | undefined => (isAlive(mongod) ? undefined : `pid ${mongod.pid}`);
  await makePrimary({ port: running.port, data: paths.data, ending, signal });
  if (owner && isLiveUser(paths, owner.user)) {
    if (owner.user !== user) report('share', `mongod ${mongod.pid} of process ${owner.pid}`);
    return running;
  }
  const taken = own(running, user);
  writeState(paths, taken);
  report(
    'take over',
    `mongod ${mongod.pid}, left running by ${owner ? `process ${owner.pid}` : 'a process that was killed'}`,
  );
  return taken;
};

const launch = async (options: EnsureOptions): Promise<RunningState> => {
  const { paths, report, signal } = options;
  const earlier = readState(paths);
  reportStale(paths, earlier, report);
  const binary = await options.find();
  const port = options.port ?? (await choosePort(earlier?.port));
  const planned = { port, binary, mongod: null, owner: null };
  writeState(paths, planned);
  report('start', `mongod on 127.0.0.1:${port} with the data ${paths.data}`);
  const { cacheSizeGB, env } = options;
  const child = await spawnMongod(paths, { binary: binary.path, port, cacheSizeGB, env });
  try {
    const state = own({ ...planned, mongod: child.identity }, options.user);
    writeState(paths, state);
    await makePrimary({ port, data: paths.data, ending: child.ending, signal });
    report('ready', `mongod ${child.identity.pid} takes writes on 127.0.0.1:${port}`);
    return state;
  } catch (error) {
    await endMongod(child.identity, report);
    writeState(paths, planned);
    throw error;
  }
};

const own = (running: RunningState, user: string): RunningState => {
  const self = identifyProcess(process.pid);
  return { ...running, owner: self ? { ...self, user } : null };
};

/** Says what an unclean end left; WiredTiger recovers it from its journal by itself. */
const reportStale = (
  paths: HomePaths,
  earlier: HomeState | undefined,
  report: ReportProgress,
): void => {
  const pid = readLockedPid(paths);
  if (pid === '') return;
  const other = Number(pid) > 0 && identifyProcess(Number(pid));
  const note = other ? `; the pid is now that of another program, which is left alone` : '';
  report(
    'recover',
    `mongod ${earlier?.mongod?.pid ?? pid} ended without a clean stop; its journal is replayed${note}`,
  );
};
