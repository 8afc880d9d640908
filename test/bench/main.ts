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

const benches: Readonly<Record<string, (context: Context) => Promise<Report>>> = {
  lifecycles,
  hotjob,
  history,
  memory,
  http,
};

const help = `npm run bench -- [NAME…] [options]
  NAME           ${Object.keys(benches).join(', ')}; all without one
  --json FILE    writes the figures there
  --rounds N     rounds of each row, 3 unless told otherwise
  --seconds N    of each row of lifecycles in each round, 4
  --jobs N       through memory, 100000
  --history N    entries of the long history, 10000
  --row TEXT     only rows of lifecycles whose name holds the text
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
    /** Given by this program to its children: run one benchmark on the database there. */
    on: { type: 'string' },
    /** Given by the benchmark http to its servers. */
    server: { type: 'string' },
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
const unknown = positionals.filter((name) => !Object.hasOwn(benches, name));

if (values.help) console.log(help);
else if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}.\n${help}`);
  process.exitCode = 2;
} else if (values.server !== undefined) await runServer(values.server, values.on ?? '');
else if (values.on !== undefined) await runOne(positionals[0] ?? '', values.on);
else await runAll(positionals.length > 0 ? positionals : Object.keys(benches));

/** In a child of the benchmark http: one of its servers, until it is told to close. */
async function runServer(name: string, uri: string): Promise<void> {
  const server = await (name === 'ours'
    ? serveOurs(uri, scale, 1_000)
    : serveBare(uri, `bench_bare_${process.pid}`));
  const told = new Promise((resolve) => process.once('message', resolve));
  process.send?.({ url: server.url, targets: server.targets });
  await told;
  await server.close();
  process.disconnect();
}

/** In a child: one benchmark, its report sent to the parent. */
async function runOne(name: string, uri: string): Promise<void> {
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
  const database = await openDatabase();
  try {
    const setting = await describeSetting(database.uri);
    console.log(`${Object.values(setting).join(', ')}\n`);
    const reports: Report[] = [];
    for (const name of names) {
      const report = await inChild(name, database.uri);
      console.log(`${formatReport(report)}\n`);
      reports.push(report);
    }
    const rows = reports.flatMap((report) => report.rows);
    const verdicts = reports.flatMap((report) => report.verdicts);
    const figures = JSON.stringify({ setting, scale, verdicts, rows }, null, 2);
    if (values.json !== undefined) await writeFile(values.json, `${figures}\n`);
  } finally {
    await database.close();
  }
}

function inChild(name: string, uri: string): Promise<Report> {
  const [, program = '', ...args] = process.argv;
  const options = args.filter((argument) => !Object.hasOwn(benches, argument));
  return new Promise((resolve, reject) => {
    let report: Report | undefined;
    const child = fork(program, [name, ...options, '--on', uri], {
      execArgv: [...process.execArgv, '--expose-gc'],
    });
    child.on('message', (message) => (report = message as Report));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (report && code === 0) resolve(report);
      else reject(new Error(`benchmark ${name} ended with code ${code}`));
    });
  });
}

async function openDatabase(): Promise<{ uri: string; close: () => Promise<void> }> {
  const uri = process.env['JOBWRIGHT_TEST_MONGODB_URI'];
  if (uri) return { uri, close: async () => undefined };
  const home = await mkdtemp(join(tmpdir(), 'jobwright-bench-mongo-'));
  const mongo = await startEmbeddedMongo({ home, cacheSizeGB: 1 });
  return {
    uri: mongo.uri,
    async close() {
      await mongo.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}
