import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { startEmbeddedMongo } from '../../src/embedded/embeddedMongo.ts';
import { startReplicaSet } from '../support/replicaSet.ts';

/** Servers of a benchmark's own, and each node's administration. */
export interface Servers {
  readonly uri: string;
  readonly admins: readonly Db[];
  stop(): Promise<void>;
}

const cacheSizeGB = 0.5;

/** A replica set of one. */
export async function startOneNode(): Promise<Servers> {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-bench-node-'));
  const mongo = await startEmbeddedMongo({ home, cacheSizeGB });
  const client = await new MongoClient(mongo.uri).connect();
  return {
    uri: mongo.uri,
    admins: [client.db('admin')],
    async stop() {
      await client.close();
      await mongo.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A replica set of three on this machine: no network between them, and one disk for all. */
export async function startThreeNodes(): Promise<Servers> {
  const set = await startReplicaSet();
  const hosts = /\/\/([^/]+)\//.exec(set.uri)?.[1]?.split(',') ?? [];
  const clients = await Promise.all(
    hosts.map((host) => new MongoClient(`mongodb://${host}/?directConnection=true`).connect()),
  );
  return {
    uri: set.uri,
    admins: clients.map((client) => client.db('admin')),
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      await set.stop();
    },
  };
}
