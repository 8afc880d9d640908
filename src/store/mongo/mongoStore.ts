import { MongoClient, MongoError, MongoParseError, ReadConcern } from 'mongodb';
import { InvalidConfiguration, StoreUnavailable } from '../../errors.ts';
import type { Telemetry } from '../../telemetry/emit.ts';
import type { Store } from '../store.ts';
import { createAppender } from './append.ts';
import { createAudit, makeAuditCollection } from './audit.ts';
import { clientOptions, openCollections } from './collections.ts';
import { createCounts } from './counts.ts';
import { createDatasetStore } from './datasets.ts';
import { establishCounts } from './establishCounts.ts';
import { createIndexes } from './indexes.ts';
import { createOutbox } from './outbox.ts';
import { createOutputs } from './outputs.ts';
import { createProcesses } from './processes.ts';
import { project } from './project.ts';
import { createHistoryReader } from './readHistory.ts';
import { createQueue } from './queue.ts';
import { createJobReader } from './readJobs.ts';
import { createRegistries } from './registries.ts';
import { createRelations } from './relations.ts';
import { createRemoval } from './removal.ts';
import { translateErrors } from './translateErrors.ts';
import { createWatcher } from './watch.ts';
import { createWorkerStore } from './workers.ts';

export interface MongoStoreOptions {
  /** A connection string; or a client of the caller's, which is then not closed. */
  readonly mongodb: string | MongoClient;
  readonly database: string;
  readonly linkedCollections: readonly string[];
  readonly telemetry: Telemetry;
}

/** Connects, makes the indexes and returns the store on MongoDB. Rejects with StoreUnavailable. */
export async function openMongoStore(options: MongoStoreOptions): Promise<Store> {
  const { mongodb, linkedCollections, telemetry } = options;
  const owned = typeof mongodb === 'string';
  const client = owned ? newClient(mongodb) : mongodb;
  const { writeConcern, readPreference, ignoreUndefined } = clientOptions;
  const readConcern = new ReadConcern(clientOptions.readConcern.level);
  const db = client.db(options.database, {
    writeConcern,
    readConcern,
    readPreference,
    ignoreUndefined,
  });
  const collections = openCollections(db);
  const appender = createAppender(collections, telemetry);
  const watcher = createWatcher(collections);
  const store: Store = {
    append: appender.append,
    watch: (options) => watcher.watch(options),
    project: (jobs, effects, created) => project(collections, jobs, effects, created),
    linkedCollections,
    ...createHistoryReader(collections),
    ...createJobReader(collections),
    ...createRemoval(collections, linkedCollections),
    ...createOutbox(collections),
    ...createProcesses(db, collections),
    ...createCounts(collections),
    ...createRegistries(collections, linkedCollections),
    ...createAudit(collections),
    ...createQueue(collections),
    ...createWorkerStore(collections),
    ...createOutputs(collections),
    ...createRelations(collections),
    ...createDatasetStore(collections),
    async close() {
      await appender.drain();
      await watcher.close();
      if (owned) await client.close();
    },
  };
  const guarded = translateErrors(store);
  try {
    await client.connect();
    await Promise.all([createIndexes(collections, linkedCollections), makeAuditCollection(db)]);
    await establishCounts(collections);
  } catch (error) {
    if (owned) await client.close();
    if (!(error instanceof MongoError)) throw error;
    throw new StoreUnavailable(`connecting failed (${error.name}: ${error.message})`, {
      cause: error,
    });
  }
  return guarded;
}

function newClient(uri: string): MongoClient {
  try {
    return new MongoClient(uri, clientOptions);
  } catch (error) {
    // Its message names what is wrong, not the credentials; the error itself is not passed on.
    const reason = error instanceof MongoParseError ? error.message : 'it cannot be read';
    throw new InvalidConfiguration('JOBWRIGHT_MONGODB_URI', reason);
  }
}
