import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEmbeddedMongo } from '../../src/embedded/embeddedMongo.ts';
import { openContext, type Context, type Scale } from './context.ts';
import { describeSetting } from './describeSetting.ts';
import { formatReport, type Report } from './figures.ts';
import { history } from './history.ts';
import { hotjob } from './hotjob.ts';
import { http } from './http.ts';
import { serveBare, serveOurs } from './httpServers.ts';
import { lifecycles } from './lifecycles.ts';
import { memory } from './memory.ts';
import { nodes } from './nodes.ts';
import { peers } from './contenders/peers.ts';
import { runTrial } from './contenders/runTrial.ts';
import { single } from './contenders/single.ts';
import { processes } from './processes.ts';
import { runPart } from './processesParts.ts';
import { records } from './records.ts';
import { scale as largeScale } from './scale.ts';
import { setup } from './setup.ts';

const benches: Readonly<Record<string, (context: Context) => Promise<Report>>> = {
  lifecycles,
  hotjob,
  history,
  memory,
  http,
  processes,
  nodes,
  scale: largeScale,
  setup,
  single,
  records,
  peers,
};

const help = `npm run bench -- [NAME…] [options]
  NAME           ${Object.keys(benches).join(', ')}; all but peers without one
  --json FILE    writes the figures there
  --rounds N     rounds of each row, 3 unless told otherwise
  --seconds N    of each row of lifecycles, processes and nodes in each round, 4; the longest for calls
                 of one kind in scale
  --jobs N       through memory, 100000; a tenth in each sample of peers
  --history N    entries of the long history, 10000
  --keep NAME    keeps the database of scale under this name; --reuse NAME measures on it again
  --sample N     verifies so many random jobs of scale instead of all
  --row TEXT     only rows of lifecycles and peers whose name holds the text
For records: PostgreSQL and the Python package qcfractal, see what it tells where they are missing.
For peers: npm ci --prefix test/bench/peers, redis-server and PostgreSQL; what is missing is told.
The database is that of JOBWRIGHT_TEST_MONGODB_URI, else an embedded one in a temporary directory.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    jobs: { type: 'string', default: '100000' },
    history: { type: 'string', default: '10000' },
    row: { type: 'string', default: '' },
    /** Read by scale itself, as are --reuse and --sample. */
    keep: { type: 'string' },
    reuse: { type: 'string' },
    sample: { type: 'string' },
    /** Given by this program to its children: run one benchmark on the database there. */
    on: { type: 'string' },
    /** Given by benchmarks of several processes to their children. */
    part: { type: 'string' },
    /** Given by the benchmark http to its servers. */
    server: { type: 'string' },
    /** Given by the benchmark peers to its children. */
    trial: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const scale: Scale = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  jobs: Number(values.jobs),
  history: Number(values.history),
  row: values.row,
};
/** What ends a benchmark early, and the exit code that tells so. */
const endingSignals = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;
const unknown = positionals.filter((name) => !Object.hasOwn(benches, name));

if (values.help) console.log(help);
else if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}.\n${help}`);
  process.exitCode = 2;
} else if (values.trial) await runTrial();
else if (values.part !== undefined) await runPart(values.part);
else if (values.server !== undefined) await runServer(values.server, values.on ?? '');
else if (values.on !== undefined) await runOne(positionals[0] ?? '', values.on);
else await runAll(positionals.length > 0 ? positionals : withoutPeers());

/** The peers are not installed everywhere, and take their time. */
function withoutPeers(): readonly string[] {
  return Object.keys(benches).filter((name) => name !== 'peers');
}

/** In a child of the benchmark http: one of its servers, until it is told to close. */
async function runServer(name: string, uri: string): Promise<void> {
  const server = await (name === 'ours'
    ? serveOurs(uri, scale, 1_000)
    : serveBare(uri, `bench_bare_${process.pid}`));
  const told = new Promise((resolve) => {
    // Its parent may end without a word.
    for (const event of ['message', 'disconnect']) process.once(event, resolve);
  });
  process.send?.({ url: server.url, targets: server.targets });
  await told;
  await server.close();
  if (process.connected) process.disconnect();
}

/** In a child: one benchmark, its report sent to the parent. */
async function runOne(name: string, uri: string): Promise<void> {
  // By an exit and not by the signal itself, which would leave the servers of a benchmark running.
  for (const [signal, code] of endingSignals) process.on(signal, () => process.exit(code));
  const context = await openContext(uri, scale);
  try {
    const report = await benches[name]?.(context);
    process.send?.(report);
  } finally {
    await context.close();
  }
  process.disconnect();
}

/** Each benchmark in a process of its own, one after the other on one database. */
async function runAll(names: readonly string[]): Promise<void> {
  const stopping = stopOnSignal();
  try {
    const database = await openDatabase(stopping);
    try {
      await runOn(database.uri, names, stopping);
    } finally {
      await database.close();
    }
  } catch (error) {
    // Told to stop, and all that was started has ended.
    if (!stopping.aborted) throw error;
  }
}

async function runOn(uri: string, names: readonly string[], stopping: AbortSignal): Promise<void> {
  const setting = await describeSetting(uri);
  console.log(`${Object.values(setting).join(', ')}\n`);
  const reports: Report[] = [];
  for (const name of names) {
    const report = await inChild(name, uri, stopping);
    console.log(`${formatReport(report)}\n`);
    reports.push(report);
  }
  const rows = reports.flatMap((report) => report.rows);
  const verdicts = reports.flatMap((report) => report.verdicts);
  const figures = JSON.stringify({ setting, scale, verdicts, rows }, null, 2);
  if (values.json !== undefined) await writeFile(values.json, `${figures}\n`);
}

/** Aborted by Ctrl-C and by SIGTERM, which then do not end this process by themselves. */
function stopOnSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const [signal, code] of endingSignals) {
    process.on(signal, () => {
      process.exitCode = code;
      stopping.abort();
    });
  }
  return stopping.signal;
}

function inChild(name: string, uri: string, stopping: AbortSignal): Promise<Report> {
  const [, program = '', ...args] = process.argv;
  const options = args.filter((argument) => !Object.hasOwn(benches, argument));
  stopping.throwIfAborted();
  return new Promise((resolve, reject) => {
    let report: Report | undefined;
    const child = fork(program, [name, ...options, '--on', uri], {
      execArgv: [...process.execArgv, '--expose-gc'],
    });
    const stop = (): void => void child.kill();
    stopping.addEventListener('abort', stop);
    child.on('message', (message) => (report = message as Report));
    child.on('error', reject);
    child.on('exit', (code) => {
      stopping.removeEventListener('abort', stop);
      if (report && code === 0) resolve(report);
      else reject(new Error(`benchmark ${name} ended with code ${code}`));
    });
  });
}

async function openDatabase(
  signal: AbortSignal,
): Promise<{ uri: string; close: () => Promise<void> }> {
  const uri = process.env['JOBWRIGHT_TEST_MONGODB_URI'];
  if (uri) return { uri, close: async () => undefined };
  const home = await mkdtemp(join(tmpdir(), 'jobwright-bench-mongo-'));
  const remove = () => rm(home, { recursive: true, force: true });
  try {
    const mongo = await startEmbeddedMongo({ home, cacheSizeGB: 1, signal });
    return { uri: mongo.uri, close: () => mongo.stop().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}
