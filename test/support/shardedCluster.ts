import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Document } from 'mongodb';
import { findMongod } from '../../src/embedded/findMongod.ts';
import { choosePort } from '../../src/embedded/mongodProcess.ts';
import { startShardRouter } from './shardRouter.ts';
import { waitUntil } from './waitUntil.ts';

/** Two shards and their configuration on loopback; one of the shards routes, as there is no mongos. */
export interface ShardedCluster {
  /** Of the router. */
  readonly uri: string;
  /** Each shard by itself, past the router. */
  readonly shards: readonly MongoClient[];
  /** A new database whose collections are sharded by these keys. */
  shard(database: string, keys: Readonly<Record<string, Document>>): Promise<void>;
  /** Makes the indexes that the first shard has on the others as well: a router would have done so. */
  spreadIndexes(database: string, collections: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly port: number;
  readonly client: MongoClient;
  readonly process: ChildProcess;
}

const startMs = 60_000;
const majority = { writeConcern: { w: 'majority' } };

/** Starts it in a temporary folder, with the mongod that the product would take. */
export async function startShardedCluster(collections: readonly string[]): Promise<ShardedCluster> {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-cluster-'));
  const { path: binary } = await findMongod({ home });
  const members: Member[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(members.map(end));
    await rm(home, { recursive: true, force: true });
  };
  try {
    const roles = { config: '--configsvr', first: '--shardsvr', second: '--shardsvr' };
    for (const [name, role] of Object.entries(roles))
      members.push(await startMember(binary, home, name, role));
    const [config, primary, second] = members as [Member, Member, Member];
    const shards = [primary, second];
    const admin = config.client.db('admin');
    for (const { name, port } of shards)
      await admin.command({ _configsvrAddShard: `${name}/127.0.0.1:${port}`, ...majority });
    const router = await startShardRouter(primary.port, collections);
    return {
      uri: `mongodb://127.0.0.1:${router.port}/?directConnection=true`,
      shards: shards.map(({ client }) => client),
      async shard(database, keys) {
        const make = { _configsvrCreateDatabase: database, primaryShardId: primary.name };
        await admin.command({ ...make, ...majority });
        const databases = config.client.db('config').collection<{ _id: string }>('databases');
        const made = await databases.findOne({ _id: database }, { promoteValues: false });
        for (const [name, shardKey] of Object.entries(keys)) {
          await primary.client.db(database).command({
            ...{ _shardsvrCreateCollection: name, shardKey, unique: false },
            ...{ databaseVersion: (made as Document | null)?.['version'] as unknown, ...majority },
          });
        }
      },
      async spreadIndexes(database, names) {
        for (const name of names) {
          const indexes = await primary.client.db(database).collection(name).indexes();
          const wanted = indexes.map(({ v: _version, ...index }) => index);
          await second.client.db(database).command({ createIndexes: name, indexes: wanted });
        }
      },
      async stop() {
        await router.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startMember(
  binary: string,
  home: string,
  name: string,
  role: string,
): Promise<Member> {
  const port = await choosePort(undefined);
  const data = join(home, name);
  await mkdir(data);
  const child = spawn(binary, memberArguments({ data, port, name, role }), { stdio: 'ignore' });
  // Not even a test run that breaks off leaves it behind.
  process.once('exit', () => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: startMs,
  });
  await client.connect();
  const admin = client.db('admin');
  const members = [{ _id: 0, host: `127.0.0.1:${port}` }];
  const configsvr = role === '--configsvr' && { configsvr: true };
  await admin.command({ replSetInitiate: { _id: name, ...configsvr, members } });
  const isPrimary = async (): Promise<string | true> =>
    (await admin.command({ hello: 1 }))['isWritablePrimary'] === true || 'no primary';
  await waitUntil(`${name} takes writes`, isPrimary, startMs);
  return { name, port, client, process: child };
}

const memberArguments = ({
  data,
  port,
  name,
  role,
}: {
  data: string;
  port: number;
  name: string;
  role: string;
}): readonly string[] => [
  ...['--dbpath', data, '--port', String(port), '--replSet', name, role],
  ...['--bind_ip', '127.0.0.1', '--nounixsocket', '--logpath', `${data}.log`],
  ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '64', '--quiet'],
  ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
];

async function end({ client, process: child }: Member): Promise<void> {
  await client.close();
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
