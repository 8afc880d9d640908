import { randomUUID } from 'node:crypto';
import type { Collection, Document, IndexDescription } from 'mongodb';
import { fullLifecycle, plainLife } from '../lifecycles.ts';
import { timed } from '../measure.ts';
import { openPlainLayout } from '../plainLayout.ts';
import type { Contender, Trial, TrialResult } from './contender.ts';
import { openMongo, type Mongo } from './openMongo.ts';
import { openOurs } from './openOurs.ts';
import { payloadOf } from './payload.ts';
import { runCallers, takeSample, warmUpOf, type Times } from './takeSample.ts';
import { openTransactionLayout } from './transactionLayout.ts';

const entriesALife = 3;
const batchSize = 1_000;

/** What the driver can insert of what the engine inserts. */
export const rawInserts: Contender = {
  id: 'rawInserts',
  row: 'raw driver, insertMany of 1,000 commit documents of ours',
  setting:
    'the three entries of each job, documents of a real run with new ids, unordered, one call at a time; no index but that of _id',
  unit: 'entries/s',
  server: 'mongod',
  packages: [],
  jobsOf10k: 40_000,
  callers: [1],
  run: (trial) => runInserts(trial, false),
};

/** And what the log's indexes cost of that. */
export const rawIndexedInserts: Contender = {
  ...rawInserts,
  id: 'rawIndexedInserts',
  row: 'raw driver, the same with the indexes of the log',
  setting: 'as above, into a collection with the indexes that our log has',
  run: (trial) => runInserts(trial, true),
};

async function runInserts(trial: Trial, isIndexed: boolean): Promise<TrialResult> {
  const { documents, indexes } = await ourLog(trial);
  const mongo = await openMongo(trial.server);
  try {
    const collection = await mongo.db.createCollection<Document>('commits');
    if (isIndexed) await collection.createIndexes(indexes);
    const units = trial.jobs * entriesALife;
    await insertAll(collection, batchesOf(documents, batchSize * 5), () => undefined);
    const batches = batchesOf(documents, units);
    return await takeSample(trial, { units, serverCpu: mongo.serverCpu }, (times) =>
      insertAll(collection, batches, times.call),
    );
  } finally {
    await mongo.close();
  }
}

interface Log {
  readonly documents: readonly Document[];
  /** Without that of `_id`, which every collection has. */
  readonly indexes: IndexDescription[];
}

/** What the engine wrote of a thousand life cycles, in the order of its log. */
async function ourLog({ server }: Trial): Promise<Log> {
  const engine = await openOurs(server.url, { makeDirectories: false });
  try {
    const work = fullLifecycle(engine.manager);
    await runCallers(256, 1_000, () => work(() => undefined));
    const commits = engine.db.collection('commits');
    const indexes = (await commits.indexes()).filter(({ name }) => name !== '_id_');
    return { documents: await commits.find().sort({ at: 1 }).toArray(), indexes };
  } finally {
    await engine.close();
  }
}

function batchesOf(documents: readonly Document[], count: number): Document[][] {
  const jobs = new Map<string, string>();
  const copies = Array.from({ length: count }, (_, index) => {
    const original = documents[index % documents.length] ?? {};
    const { job, seq } = original['_id'] as { job: string; seq: number };
    // The same job in the next turn through the documents is another one.
    const key = `${Math.floor(index / documents.length)} ${job}`;
    const copy = jobs.get(key) ?? randomUUID();
    jobs.set(key, copy);
    return { ...original, _id: { job: copy, seq } };
  });
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, batch) =>
    copies.slice(batch * batchSize, (batch + 1) * batchSize),
  );
}

async function insertAll(
  collection: Collection<Document>,
  batches: readonly Document[][],
  told: (milliseconds: number) => void,
): Promise<void> {
  for (const batch of batches) {
    told(await timed(() => collection.insertMany(batch, { ordered: false })));
  }
}

/** One conditional update an event, the history in the job's document. */
export const embeddedArray: Contender = {
  id: 'embeddedArray',
  row: 'raw driver, history in the job, one update an event',
  setting:
    'insertOne, then two conditional updateOne that push the entry; nothing checked or hashed',
  unit: 'life cycles/s',
  server: 'mongod',
  packages: [],
  jobsOf10k: 5_000,
  callers: [256, 64],
  run: (trial) => runLayout(trial, ({ db }) => openPlainLayout(db)),
};

/** The log and the job change together. */
export const transactionPerEvent: Contender = {
  ...embeddedArray,
  id: 'transactionPerEvent',
  row: 'raw driver, a transaction an event',
  setting:
    'entry inserted and job updated in one transaction, three a life; nothing checked or hashed',
  jobsOf10k: 2_000,
  run: (trial) => runLayout(trial, ({ db }) => openTransactionLayout(db)),
};

type Layout = ReturnType<typeof openPlainLayout>;

async function runLayout(trial: Trial, open: (mongo: Mongo) => Layout): Promise<TrialResult> {
  const mongo = await openMongo(trial.server);
  try {
    const layout = open(mongo);
    const live = (times: Times) => async (index: number) => {
      times.life(await timed(() => plainLife(layout, payloadOf(index), times.call)));
    };
    const silent = { call: () => undefined, life: () => undefined };
    await runCallers(trial.callers, warmUpOf(trial), live(silent));
    return await takeSample(trial, { units: trial.jobs, serverCpu: mongo.serverCpu }, (times) =>
      runCallers(trial.callers, trial.jobs, live(times)),
    );
  } finally {
    await mongo.close();
  }
}
