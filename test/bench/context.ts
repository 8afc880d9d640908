import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { clientOptions } from '../../src/store/mongo/collections.ts';

/** How much is measured. */
export interface Scale {
  readonly rounds: number;
  /** Of one row in one round. */
  readonly seconds: number;
  readonly jobs: number;
  readonly history: number;
  /** Only rows of lifecycles whose name holds this text: to look at one of them closely. */
  readonly row: string;
}

/** What a benchmark runs on: a database and a directory of its own. */
export interface Context {
  readonly scale: Scale;
  /** Where the database is. */
  readonly uri: string;
  /** Database of the plain layout. */
  readonly plain: Db;
  readonly admin: Db;
  /** A manager on one database and one set of secrets; closed with the context. */
  open(): Promise<JobManager>;
  close(): Promise<void>;
}

/** Said beside every row: what an acknowledgement means. */
export const durability = 'w: majority, j: true, one-node replica set';

export async function openContext(uri: string, scale: Scale): Promise<Context> {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-bench-'));
  const database = `bench_${randomUUID().replaceAll('-', '')}`;
  const secrets = `k1:${randomBytes(32).toString('base64')}`;
  // The plain layout gets as many connections as it can use.
  const client = new MongoClient(uri, { ...clientOptions, maxPoolSize: 100 });
  await client.connect();
  const managers: JobManager[] = [];
  const open = async (): Promise<JobManager> => {
    const manager = await JobManager.open({
      mongodb: uri,
      database,
      secrets,
      home,
      archiveRoot: join(home, 'archive'),
      logLevel: 'silent',
    });
    managers.push(manager);
    return manager;
  };
  return {
    scale,
    uri,
    plain: client.db(`${database}_plain`),
    admin: client.db('admin'),
    open,
    async close() {
      await Promise.all(managers.map((manager) => manager.close()));
      await client.db(database).dropDatabase();
      await client.db(`${database}_plain`).dropDatabase();
      await client.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
