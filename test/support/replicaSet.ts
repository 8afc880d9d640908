import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, MongoError, type Db } from 'mongodb';
import { findMongod } from '../../src/embedded/findMongod.ts';
import { choosePort } from '../../src/embedded/mongodProcess.ts';
import { waitUntil } from './waitUntil.ts';

/** One mongod of the set; another process after it was killed and started again. */
export interface ReplicaNode {
  readonly port: number;
  readonly pid: number;
}

/** Three mongods on loopback that elect their primary. */
export interface TestReplicaSet {
  readonly uri: string;
  /** Hands the primary's part to another; resolves to the new primary. */
  stepDown(): Promise<ReplicaNode>;
  /** Kill -9; resolves to the node once it is gone. */
  killPrimary(): Promise<ReplicaNode>;
  /** Starts a node that was killed, on its data. */
  restart(node: ReplicaNode): Promise<void>;
  /** Resolves once there are a primary and two secondaries. */
  whole(): Promise<void>;
  stop(): Promise<void>;
}

const name = 'threeNodes';
const startMs = 60_000;

/** Starts a set of three in a temporary folder, with the mongod that the product would take. */
export async function startReplicaSet(): Promise<TestReplicaSet> {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-replicas-'));
  const { path: binary } = await findMongod({ home });
  const nodes: Node[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()));
    await rm(home, { recursive: true, force: true });
  };
  try {
    for (const folder of ['one', 'two', 'three']) nodes.push(await startNode(binary, home, folder));
    await initiate(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const find = (port: number): Node => {
    const found = nodes.find((node) => node.port === port);
    if (!found) throw new Error(`no node listens on ${port}`);
    return found;
  };
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    uri: `mongodb://${hosts}/?replicaSet=${name}`,
    stop,
    async stepDown() {
      const before = await primaryOf(nodes);
      await onNode(before, (admin) =>
        admin.command({ replSetStepDown: 10, secondaryCatchUpPeriodSecs: 5 }),
      );
      return primaryOf(nodes.filter((node) => node !== before));
    },
    async killPrimary() {
      const primary = await primaryOf(nodes);
      const { port, pid } = primary;
      await primary.kill();
      return { port, pid };
    },
    restart: ({ port }) => find(port).start(),
    async whole() {
      await waitUntil('the set is whole', () => isWhole(nodes), startMs);
    },
  };
}

interface Node extends ReplicaNode {
  start(): Promise<void>;
  kill(): Promise<void>;
}

async function startNode(binary: string, home: string, folder: string): Promise<Node> {
  const port = await choosePort(undefined);
  const data = join(home, folder);
  await mkdir(data);
  let child: ChildProcess | undefined;
  const killNow = (): void => void child?.kill('SIGKILL');
  const node = {
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    async start() {
      child = spawn(binary, nodeArguments(data, port), { stdio: 'ignore' });
      // Not even a test run that breaks off leaves it behind.
      process.once('exit', killNow);
      await once(child, 'spawn');
      await waitUntil(`mongod on ${port} answers`, () => answers(node), startMs);
    },
    async kill() {
      process.off('exit', killNow);
      if (!child || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
  await node.start();
  return node;
}

const nodeArguments = (data: string, port: number): readonly string[] => [
  ...['--dbpath', data, '--port', String(port), '--replSet', name],
  ...['--bind_ip', '127.0.0.1', '--nounixsocket', '--logpath', `${data}.log`, '--logappend'],
  ...['--wiredTigerCacheSizeGB', '0.25', '--oplogSize', '128', '--quiet'],
  ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
];

async function initiate(nodes: readonly Node[]): Promise<void> {
  const [first] = nodes;
  if (!first) return;
  const members = nodes.map(({ port }, index) => ({ _id: index, host: `127.0.0.1:${port}` }));
  const settings = { electionTimeoutMillis: 3_000, heartbeatIntervalMillis: 500 };
  await onNode(first, (admin) =>
    admin.command({ replSetInitiate: { _id: name, members, settings } }),
  );
  await waitUntil('the set is whole', () => isWhole(nodes), startMs);
}

/** Asks one node itself, whatever its part in the set is. */
async function onNode<Result>(
  { port }: ReplicaNode,
  work: (admin: Db) => Promise<Result>,
): Promise<Result> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, {
    serverSelectionTimeoutMS: 2_000,
    socketTimeoutMS: 30_000,
  });
  try {
    return await work(client.db('admin'));
  } finally {
    await client.close();
  }
}

type Part = 'primary' | 'secondary' | 'other' | 'away';

const partOf = (node: ReplicaNode): Promise<Part> =>
  onNode(node, async (admin) => {
    const { isWritablePrimary, secondary } = await admin.command({ hello: 1 });
    return isWritablePrimary === true ? 'primary' : secondary === true ? 'secondary' : 'other';
  }).catch((error: unknown) => {
    if (error instanceof MongoError) return 'away';
    throw error;
  });

async function answers(node: ReplicaNode): Promise<string | true> {
  const part = await partOf(node);
  return part !== 'away' || part;
}

async function isWhole(nodes: readonly ReplicaNode[]): Promise<string | true> {
  const parts = (await Promise.all(nodes.map(partOf))).sort().join(', ');
  return parts === 'primary, secondary, secondary' || parts;
}

async function primaryOf<Each extends ReplicaNode>(nodes: readonly Each[]): Promise<Each> {
  let primary: Each | undefined;
  const look = async (): Promise<string | true> => {
    const parts = await Promise.all(nodes.map(partOf));
    primary = nodes[parts.indexOf('primary')];
    return primary !== undefined || parts.join(', ');
  };
  await waitUntil('there is a primary', look, startMs);
  return primary as Each;
}
