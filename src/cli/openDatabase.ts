import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { InvalidConfiguration } from '../errors.ts';
import type { SecretKey } from '../auth/secrets.ts';
import type { MachineDefinition } from '../machine/define.ts';
import type { JobManager } from '../jobs/jobManager.ts';
import type { Io } from './io.ts';

/** An open database with what it was opened by. */
export interface OpenDatabase {
  readonly manager: JobManager<readonly MachineDefinition[]>;
  readonly config: Config;
  readonly secrets: readonly SecretKey[];
  /** Where the database is. */
  readonly uri: string;
  readonly isEmbedded: boolean;
  close(): Promise<void>;
}

export interface OpenDatabaseOptions {
  /** Makes an embedded database where there is none yet. */
  readonly create: boolean;
  /** Machines beside those that come with the product. */
  readonly machines?: readonly MachineDefinition[];
}

/**
 * Opens the database that the environment names, or the embedded one of its home: `create` it, or
 * refuse with InvalidConfiguration where there is none yet. What takes a while is told on stderr.
 */
export async function openDatabase(
  io: Io,
  { create, machines = [] }: OpenDatabaseOptions,
): Promise<OpenDatabase> {
  const { readConfig, readSecrets } = await import('../config.ts');
  const config = readConfig({}, io.env);
  if (!create && config.mongodb === undefined && !existsSync(join(config.home, 'mongodb'))) {
    throw new InvalidConfiguration(
      'JOBWRIGHT_MONGODB_URI',
      `it is not set, and there is no embedded database in ${config.home} (JOBWRIGHT_HOME)`,
    );
  }
  const secrets = await readSecrets({}, config.home, io.env);
  const embedded = config.mongodb === undefined ? await startEmbedded(io, config.home) : undefined;
  const uri = config.mongodb ?? embedded?.uri ?? '';
  try {
    io.signal.throwIfAborted();
    const { JobManager } = await import('../jobs/jobManager.ts');
    const manager = await JobManager.open({ ...config, mongodb: uri, secrets, machines });
    const close = async (): Promise<void> => {
      await manager.close();
      await embedded?.stop();
    };
    return { manager, config, secrets, uri, isEmbedded: embedded !== undefined, close };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

/** Opens, works, and closes however the work ends. */
export async function withDatabase<Result>(
  io: Io,
  options: OpenDatabaseOptions,
  work: (database: OpenDatabase) => Promise<Result>,
): Promise<Result> {
  const database = await openDatabase(io, options);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function startEmbedded({ stderr, env, signal }: Io, home: string) {
  const { startEmbeddedMongo } = await import('../embedded/embeddedMongo.ts');
  const report = (step: string, detail: string): void => {
    if (told.has(step)) stderr.write(`mongod: ${detail}\n`);
  };
  return startEmbeddedMongo({ home, env, report, signal });
}

/** What a person who waits wants to know; not where no mongod was found, nor how it ends. */
const told: ReadonlySet<string> = new Set(['wait', 'fetch', 'found', 'recover', 'restart']);
