import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { clientOptions } from '../../src/store/mongo/collections.ts';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import type { Store } from '../../src/store/store.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { startShardedCluster, type ShardedCluster } from '../support/shardedCluster.ts';
import { describeAppend } from './conformance/append.ts';
import { describeListJobs } from './conformance/listJobs.ts';
import { describeProjection } from './conformance/projection.ts';
import { describeReadCommits } from './conformance/readCommits.ts';
import { describeRedact } from './conformance/redact.ts';
import { describeTimers } from './conformance/timers.ts';
import { buildCommit } from './conformance/builders.ts';

const keys = { commits: { '_id.job': 'hashed' }, jobs: { _id: 'hashed' } } as const;
const names = Object.keys(keys);
let cluster: ShardedCluster;
const clients: MongoClient[] = [];
const managers: JobManager[] = [];
const home = join(tmpdir(), `jobwright-shards-${randomUUID()}`);

beforeAll(async () => {
  cluster = await startShardedCluster(names);
}, 120_000);
afterAll(async () => {
  await Promise.all(managers.map((manager) => manager.close()));
  await Promise.all(clients.map((client) => client.close()));
  await cluster?.stop();
  await rm(home, { recursive: true, force: true });
});

async function openSharded() {
  const database = `sharded_${randomUUID().replaceAll('-', '')}`;
  await cluster.shard(database, keys);
  // A shard that routes for itself takes no number of a retryable write.
  const client = new MongoClient(cluster.uri, { ...clientOptions, retryWrites: false });
  clients.push(await client.connect());
  const options = { mongodb: client, database, linkedCollections: [], telemetry: new Telemetry() };
  const store = await openMongoStore(options);
  await cluster.spreadIndexes(database, names);
  return { store, database, client };
}

/** Both collections of the hot path are on two shards; MongoDB itself sends each command where it belongs. */
describe('the store on two shards', () => {
  const makeStore = async (): Promise<Store> => (await openSharded()).store;
  describeAppend(makeStore);
  describeReadCommits(makeStore);
  describeProjection(makeStore);
  describeListJobs(makeStore);
  describeTimers(makeStore);
  describeRedact(makeStore);
});

describe('two shards', () => {
  it('share the jobs between them, each job whole on one of them', async () => {
    const { store, database } = await openSharded();
    const jobs = Array.from({ length: 60 }, () => randomUUID());
    await Promise.all(
      jobs.flatMap((job) => [1, 2].map((seq) => store.append(buildCommit({ job, seq })))),
    );
    const held = await Promise.all(
      cluster.shards.map((shard) =>
        shard.db(database).collection('commits').distinct('_id.job', {}),
      ),
    );
    expect(held.flat().sort()).toEqual(jobs.sort());
    for (const own of held) expect(own.length).toBeGreaterThan(jobs.length / 6);
  });

  it('let two processes race for jobs, and keep every promise', async () => {
    const { database, client } = await openSharded();
    const secrets = `k1:${randomBytes(32).toString('base64')}`;
    const options = { mongodb: client, database, home, secrets, makeDirectories: false } as const;
    const open = (): Promise<JobManager> =>
      JobManager.open({ ...options, linkedCollections: [], logLevel: 'silent' });
    const [one, other] = [await open(), await open()];
    managers.push(one, other);
    await one.pipelines.put('line', { name: 'line' });
    const ids = await Promise.all(
      [0, 1, 2, 3].map(async (place) => {
        const input = { pipeline: 'line', data: { place } };
        const made = await Promise.all(
          [one, other].map((each) => each.setup('pipelineJob', input)),
        );
        expect(new Set(made.map(({ id }) => id)).size).toBe(1);
        return made[0]?.id ?? '';
      }),
    );
    await Promise.all(
      ids.flatMap((id) =>
        [one, other].map(async (manager, side) => {
          const job = await manager.job(id);
          const send = (turn: number) =>
            job.sendAll([{ name: 'update', data: { side, turn } }], { key: `${side}-${turn}` });
          await Promise.all(Array.from({ length: 20 }, (_each, turn) => send(turn)));
          // Asked again it is answered, and not applied once more.
          await send(7);
        }),
      ),
    );
    for (const id of ids) expect((await one.job(id)).version).toBe(41);
    expect((await one.verify()).problems).toEqual([]);
  });

  it('are refused a unique index that does not begin with the shard key', async () => {
    const { database } = await openSharded();
    const [first] = cluster.shards;
    const wrong = first?.db(database).collection('wrong');
    await wrong?.createIndex({ keys: 1 }, { unique: true });
    await expect(cluster.shard(database, { wrong: { '_id.job': 'hashed' } })).rejects.toThrow(
      "Uniqueness can't be maintained unless shard key is a prefix",
    );
  });

  it.each<[string, Document, string]>([
    ['a commit by its id', { _id: { job: 'a', seq: 1 } }, 'SINGLE_SHARD'],
    ['a key of a job', { '_id.job': 'a', keys: { $eq: 'once' } }, 'SINGLE_SHARD'],
    [
      'a stretch of a job’s log',
      { '_id.job': 'a', _id: { $gte: { job: 'a', seq: 0 }, $lte: { job: 'a', seq: 9 } } },
      'SINGLE_SHARD',
    ],
    [
      'the same without the job beside it',
      { _id: { $gte: { job: 'a', seq: 0 }, $lte: { job: 'a', seq: 9 } } },
      'SHARD_MERGE_SORT',
    ],
  ])('are asked for %s as %j says: %s', async (_name, filter, stage) => {
    const { database } = await openSharded();
    const [router] = cluster.shards;
    const explained = await router
      ?.db(database)
      .command({ explain: { clusterFind: 'commits', filter, sort: { _id: 1 } } });
    expect((explained?.['queryPlanner'] as Document)['winningPlan']).toMatchObject({ stage });
  });
});
