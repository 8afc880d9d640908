import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient, MongoServerError, type Db, type Document } from 'mongodb';
import { EmbeddedMongoError } from '../errors.ts';
import { MongodEnded, replicaSetName } from './mongodProcess.ts';

export interface PrimaryOptions {
  readonly port: number;
  /** The data folder that the mongod on this port must have. */
  readonly data: string;
  /** Why the mongod ended, or undefined while it runs. */
  readonly ending: () => string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Recovering a large database after a kill takes its time. */
  readonly limitMilliseconds?: number;
}

/** The address of an embedded mongod for clients. */
export const mongoUri = (port: number): string =>
  `mongodb://127.0.0.1:${port}/?replicaSet=${replicaSetName}&directConnection=true`;

/**
 * Waits until the mongod on this port answers, makes it a replica set of one under this address,
 * and resolves when it takes writes. Refuses a mongod of other data, and touches nothing there.
 */
export const makePrimary = async (options: PrimaryOptions): Promise<void> => {
  const deadline = Date.now() + (options.limitMilliseconds ?? 120_000);
  for (;;) {
    try {
      return await tryPrimary(options, deadline);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof EmbeddedMongoError) throw error;
      if (Date.now() > deadline) throw notReady(options, error);
    }
    await delay(20, undefined, { signal: options.signal });
  }
};

/** One try with a client of its own: the driver does not recover from a first connect that failed. */
const tryPrimary = async (options: PrimaryOptions, deadline: number): Promise<void> => {
  assertRunning(options);
  const client = new MongoClient(`mongodb://127.0.0.1:${options.port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1_000,
    connectTimeoutMS: 5_000,
    socketTimeoutMS: 10_000,
    heartbeatFrequencyMS: 500,
  });
  const admin = client.db('admin');
  try {
    await configure(admin, options);
    while ((await admin.command({ hello: 1 }))['isWritablePrimary'] !== true) {
      assertRunning(options);
      if (Date.now() > deadline) throw new Error('it is not elected primary');
      await delay(20, undefined, { signal: options.signal });
    }
  } finally {
    await client.close();
  }
};

const assertRunning = ({ signal, ending }: PrimaryOptions): void => {
  signal?.throwIfAborted();
  const reason = ending();
  if (reason !== undefined) throw new MongodEnded(`mongod ended: ${reason}`);
};

const configure = async (admin: Db, { port, data }: PrimaryOptions): Promise<void> => {
  const options: Document = await admin.command({ getCmdLineOpts: 1 });
  const found: unknown = (options as CommandLineAnswer).parsed?.storage?.dbPath;
  if (found !== data) {
    throw new MongodEnded(
      `port ${port} is that of another MongoDB, with the data ${String(found)}`,
    );
  }
  const host = `127.0.0.1:${port}`;
  const config = await readConfig(admin);
  if (!config) {
    // A restarted mongod knows its configuration only after it has looked for itself in it.
    const stored = await admin.client.db('local').collection('system.replset').findOne();
    if (stored) throw new Error('it is still reading its configuration');
    await admin.command({
      replSetInitiate: { _id: replicaSetName, members: [{ _id: 0, host }] },
    });
  } else if (config.members.length !== 1 || config.members[0]?.host !== host) {
    // The port has changed since: the set still knows itself by the old address.
    const { term: _, ...rest } = config;
    const members = [{ _id: 0, host }];
    await admin.command({
      replSetReconfig: { ...rest, version: config.version + 1, members },
      force: true,
    });
  }
};

/** The parts of the server's answers that are looked at; both are documented shapes. */
interface CommandLineAnswer {
  readonly parsed?: { readonly storage?: { readonly dbPath?: unknown } };
}
interface ReplicaSetConfig {
  readonly version: number;
  readonly term?: unknown;
  readonly members: readonly { readonly host: string }[];
}

/** Undefined for a mongod that has never been a replica set, or does not yet know that it is. */
const readConfig = async (admin: Db): Promise<ReplicaSetConfig | undefined> => {
  try {
    const answer = await admin.command({ replSetGetConfig: 1 });
    return answer['config'] as ReplicaSetConfig;
  } catch (error) {
    if (error instanceof MongoServerError && error.codeName === 'NotYetInitialized') {
      return undefined;
    }
    throw error;
  }
};

const notReady = (
  { port, limitMilliseconds = 120_000 }: PrimaryOptions,
  cause: unknown,
): EmbeddedMongoError =>
  new EmbeddedMongoError(
    `The embedded mongod on port ${port} takes no writes after ${limitMilliseconds / 1_000} s: ${String(cause)}. ` +
      'Look into its log beside its data, end it by hand if it hangs, and start again',
    { cause },
  );
