import { fork, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { durability, type Context } from './context.ts';
import { medianRatio, show, toRow, type Report, type Row, type Sample } from './figures.ts';
import { loadOverHttp } from './httpLoad.ts';
import type { Listening } from './httpServers.ts';
import { serverCpu } from './measure.ts';

const connections = 64;
/** Which server, on how many jobs; a connection stays with its jobs. */
const variants = [
  { row: 'bare route, one insertOne a request', server: 0, jobs: 1 },
  { row: 'callbacks, a job a connection', server: 1, jobs: connections },
  { row: 'callbacks, 1,000 jobs in turn', server: 1, jobs: 1_000 },
] as const;

/**
 * Callbacks over HTTP with kept-alive connections, beside a bare route of the same framework that inserts
 * one document a request. Each server is a process of its own; the rounds alternate.
 */
export async function http(context: Context): Promise<Report> {
  const { scale, admin } = context;
  const servers = await Promise.all([startServer('bare'), startServer('ours')]);
  try {
    const run = async (variant: number, milliseconds: number): Promise<Sample> => {
      const { server, jobs } = variants[variant] as (typeof variants)[number];
      const { listening, child } = servers[server];
      const before = { mongod: await serverCpu(admin), server: cpuOf(child.pid) };
      let sent = 0;
      const { answered, refused, seconds, latencies } = await loadOverHttp({
        url: listening.url,
        connections,
        milliseconds,
        next: (connection) => {
          sent += 1;
          const path = listening.targets[jobs === 1_000 ? sent % jobs : connection % jobs] ?? '/';
          const body = JSON.stringify({
            status: 'HEARTBEAT',
            step: sent,
            message: 'half way there',
          });
          return { path, body, key: `round-${before.server}-${sent}` };
        },
      });
      if (refused > 0) throw new Error(`${refused} of ${answered} requests were refused`);
      return {
        value: answered / seconds,
        latencies,
        clientCpu: (cpuOf(child.pid) - before.server) / answered,
        serverCpu: ((await serverCpu(admin)) - before.mongod) / answered,
      };
    };
    const rounds: Sample[][] = variants.map(() => []);
    for (const index of variants.keys()) await run(index, 1_500);
    for (let round = 0; round < scale.rounds; round += 1) {
      for (const index of variants.keys())
        rounds[index]?.push(await run(index, scale.seconds * 1_000));
    }
    const told = variants.map(({ row }, index) =>
      toRow(
        {
          bench: 'http',
          row: `${row}; ${connections} connections`,
          unit: 'requests/s',
          durability,
        },
        rounds[index] ?? [],
      ),
    );
    const idle = await idleMemory(context);
    return { rows: [...told, idle], verdicts: judge(told, idle) };
  } finally {
    for (const { child } of servers) child.send('close');
    await Promise.all(servers.map(({ ended }) => ended));
  }
}

function judge([bare, ours]: readonly Row[], idle: Row) {
  const ratio = medianRatio(ours?.samples ?? [], bare?.samples ?? []);
  const [theirs = NaN, own = NaN] = [bare?.p99, ours?.p99];
  return [
    {
      bench: 'http',
      target: 'at least 2 × the requests of the bare route',
      found: `${show(ratio)} × (median of the rounds)`,
      met: ratio >= 2,
    },
    {
      bench: 'http',
      target: 'at no worse p99',
      found: `${show(own)} ms against ${show(theirs)} ms`,
      met: own <= theirs,
    },
    {
      bench: 'http',
      target: 'an idle service below 120 MB',
      found: `${show(idle.median)} MB`,
      met: idle.median < 120,
    },
  ];
}

interface Server {
  readonly child: ChildProcess;
  readonly listening: Listening;
  readonly ended: Promise<unknown>;
}

/** One of httpServers.ts in a process of its own; see main.ts. */
async function startServer(name: 'ours' | 'bare'): Promise<Server> {
  const [, program = '', ...args] = process.argv;
  const child = fork(program, [
    ...args.filter((argument) => argument !== 'http'),
    '--server',
    name,
  ]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const listening = await new Promise<Listening>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Listening));
    child.once('exit', (code) => reject(new Error(`server ${name} ended with code ${code}`)));
  });
  return { child, listening, ended };
}

/** Resident memory of `serve` as it is installed, after its start and a few requests. */
async function idleMemory({ uri, admin }: Context): Promise<Row> {
  const database = `bench_idle_${process.pid}`;
  const home = await mkdtemp(join(tmpdir(), 'jobwright-bench-idle-'));
  const program = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [program, 'serve', '--port', '0'], {
    env: {
      ...process.env,
      JOBWRIGHT_MONGODB_URI: uri,
      JOBWRIGHT_DATABASE: database,
      JOBWRIGHT_SECRETS: `k1:${randomBytes(32).toString('base64')}`,
      JOBWRIGHT_HOME: home,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const { listening } = JSON.parse(line) as { listening: string };
  const values: number[] = [];
  for (let look = 0; look < 5; look += 1) {
    await (await fetch(`${listening}/health/ready`)).arrayBuffer();
    await (await fetch(`${listening}/metrics`)).arrayBuffer();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    values.push(residentBytes(child.pid) / 1e6);
  }
  child.kill('SIGTERM');
  await ended;
  await admin.client.db(database).dropDatabase();
  await rm(home, { recursive: true, force: true });
  return toRow(
    { bench: 'http', row: 'idle service, resident memory', unit: 'MB', durability: '' },
    values.map((value) => ({ value })),
  );
}

const procFile = (pid: number | undefined, file: string): string =>
  readFileSync(`/proc/${pid}/${file}`, 'utf8');

/** Microseconds of processor time of a process; a clock tick is 10 ms on Linux. */
function cpuOf(pid: number | undefined): number {
  const fields = procFile(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

const residentBytes = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+)/.exec(procFile(pid, 'status'))?.[1]) * 1024;
