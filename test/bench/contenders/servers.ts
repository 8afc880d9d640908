import { MongoClient } from 'mongodb';
import { durability } from '../context.ts';
import type { Server, ServerName } from './contender.ts';
import { startPostgres } from './postgresServer.ts';
import { startRedis } from './redisServer.ts';

/** A server of this benchmark's own, in a temporary directory. */
export interface StartedServer {
  readonly server: Server;
  /** Ends it and removes its directory. */
  close(): Promise<void>;
}

/** Something that this machine lacks; told in the report. */
export class NotHere extends Error {}

export interface Servers {
  /** The server, or why there is none. */
  find(name: ServerName): Server | string;
  close(): Promise<void>;
}

/** Starts those that are asked for, each on loopback; the database of the engine is there already. */
export async function openServers(uri: string, names: ReadonlySet<ServerName>): Promise<Servers> {
  const started: StartedServer[] = [];
  const found = new Map<ServerName, Server | string>();
  const open = async (name: ServerName): Promise<Server | string> => {
    try {
      if (name === 'mongod') return await describeMongod(uri);
      const one = await (name === 'postgres'
        ? startPostgres()
        : startRedis(name === 'redisDurable'));
      started.push(one);
      return one.server;
    } catch (error) {
      if (error instanceof NotHere) return error.message;
      return `it did not start: ${String(error)}`;
    }
  };
  for (const name of names) found.set(name, await open(name));
  return {
    find: (name) => found.get(name) ?? 'it was not asked for',
    close: async () => {
      await Promise.all(started.map((one) => one.close()));
    },
  };
}

async function describeMongod(uri: string): Promise<Server> {
  const client = await MongoClient.connect(uri);
  try {
    const { version } = await client.db('admin').command({ buildInfo: 1 });
    return { url: uri, version: `mongod ${String(version)}`, durability };
  } finally {
    await client.close();
  }
}
