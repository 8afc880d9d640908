import { randomUUID } from 'node:crypto';
import { MongoClient, type Db } from 'mongodb';
import { clientOptions } from '../../../src/store/mongo/collections.ts';
import { serverCpu } from '../measure.ts';
import type { Server } from './contender.ts';

export interface Mongo {
  /** A database of this trial's own. */
  readonly db: Db;
  readonly serverCpu: () => Promise<number>;
  /** Drops the database. */
  close(): Promise<void>;
}

/** With the engine's own write concern, and as many connections as callers can use. */
export async function openMongo({ url }: Pick<Server, 'url'>): Promise<Mongo> {
  const client = new MongoClient(url, { ...clientOptions, maxPoolSize: 100 });
  await client.connect();
  const db = client.db(`bench_${randomUUID().replaceAll('-', '')}`);
  const admin = client.db('admin');
  return {
    db,
    serverCpu: () => serverCpu(admin),
    async close() {
      await db.dropDatabase();
      await client.close();
    },
  };
}
