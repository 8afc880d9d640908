import { MongoClient, MongoError, type Db, type Document } from 'mongodb';
import { InvalidConfiguration, StoreUnavailable } from '../../errors.ts';
import { clientOptions, openCollections, type Collections } from './collections.ts';
import { createIndexes } from './indexes.ts';

/** What there is to know of a database without touching it. */
export interface DatabaseReport {
  readonly version: string;
  /** Name of the replica set; undefined where it is none. */
  readonly replicaSet: string | undefined;
  /** How far the server's clock is ahead of this one's, in milliseconds. */
  readonly clockAheadMs: number;
  /** `<collection>.<index>` of what the store relies on. */
  readonly missingIndexes: readonly string[];
  /** Open processes, with the time since each last said that it lives. */
  readonly processes: readonly { readonly id: string; readonly silentMs: number }[];
  readonly parked: Found<{ readonly job: string; readonly effect: string; readonly error: string }>;
  /** Jobs whose timers were due a minute ago. */
  readonly overdue: Found<string>;
}

/** How many there are, and the first few of them. */
export interface Found<Item> {
  readonly count: number;
  readonly first: readonly Item[];
}

export interface InspectOptions {
  readonly uri: string;
  readonly database: string;
  readonly linkedCollections: readonly string[];
}

const overdueMs = 60_000;
const shown = 3;

/** Looks at a database and writes nothing. Throws StoreUnavailable, or InvalidConfiguration for a bad URI. */
export async function inspectDatabase(options: InspectOptions): Promise<DatabaseReport> {
  const client = newClient(options.uri);
  try {
    await client.connect();
    return await inspect(client.db(options.database), options);
  } catch (error) {
    if (!(error instanceof MongoError)) throw error;
    const reason = `inspecting it failed (${error.name}: ${error.message})`;
    throw new StoreUnavailable(reason, { cause: error });
  } finally {
    await client.close();
  }
}

function newClient(uri: string): MongoClient {
  try {
    return new MongoClient(uri, { ...clientOptions, serverSelectionTimeoutMS: 3_000 });
  } catch {
    throw new InvalidConfiguration('JOBWRIGHT_MONGODB_URI', 'it cannot be read');
  }
}

async function inspect(db: Db, { linkedCollections }: InspectOptions): Promise<DatabaseReport> {
  const { processes, effects, jobs } = openCollections(db);
  const asked = Date.now();
  const hello = await db.command({ hello: 1 });
  const answered = Date.now();
  const serverTime = (hello['localTime'] as Date).getTime();
  const { version } = (await db.admin().buildInfo()) as { version: string } & Document;
  const isParked = { status: 'parked' } as const;
  const isOverdue = { wakeAt: { $lte: new Date(serverTime - overdueMs) } };
  const beats = await processes.find().toArray();
  const parked = await effects.find(isParked).limit(shown).toArray();
  const overdue = await jobs
    .find(isOverdue, { projection: { _id: 1 } })
    .limit(shown)
    .toArray();
  return {
    version,
    replicaSet: hello['setName'] as string | undefined,
    // In between the question and the answer, at a time that is not known better.
    clockAheadMs: Math.round(serverTime - (asked + answered) / 2),
    missingIndexes: await missingIndexes(db, linkedCollections),
    processes: beats.map(({ _id, beatAt }) => ({
      id: _id,
      silentMs: serverTime - beatAt.getTime(),
    })),
    parked: {
      count: await effects.countDocuments(isParked),
      first: parked.map(({ job, effect, error = '' }) => ({ job, effect: effect.type, error })),
    },
    overdue: {
      count: await jobs.countDocuments(isOverdue),
      first: overdue.map(({ _id }) => _id),
    },
  };
}

async function missingIndexes(db: Db, linkedCollections: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const [collection, names] of await expectedIndexes(linkedCollections)) {
    const found = await db.collection(collection).indexes().catch(noneWithoutCollection);
    const there = new Set(found.map(({ name }) => name));
    missing.push(
      ...names.filter((name) => !there.has(name)).map((name) => `${collection}.${name}`),
    );
  }
  return missing;
}

function noneWithoutCollection(error: unknown): { name: string }[] {
  if (error instanceof MongoError && 'codeName' in error && error.codeName === 'NamespaceNotFound')
    return [];
  throw error;
}

/** Asks what makes the indexes which ones it would make, so that there is one list of them. */
async function expectedIndexes(
  linkedCollections: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const asked = new Map<string, readonly string[]>();
  const recorder = (collection: string) => ({
    createIndexes: async (indexes: readonly { readonly name: string }[]) => {
      asked.set(collection, [...(asked.get(collection) ?? []), ...indexes.map(({ name }) => name)]);
    },
  });
  const collections = new Proxy(
    {},
    { get: (_, name) => (name === 'linked' ? recorder : recorder(String(name))) },
  );
  // A collection that can nothing but note down its indexes; createIndexes asks for no more.
  await createIndexes(collections as Collections, linkedCollections);
  return asked;
}
