import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startPostgres } from './postgresServer.ts';
import { NotHere } from './servers.ts';

/** Seconds of each part, in the order of its doing. */
export interface QcfractalFigures {
  readonly add: number;
  readonly claim: number;
  readonly return: number;
  readonly cancel: number;
  readonly uncancel: number;
  readonly reset: number;
  /** Of one compressed result. */
  readonly bytes: number;
}

export interface Qcfractal {
  readonly version: string;
  /** On a new database of the same server. */
  run(records: number, bulk: number): Promise<QcfractalFigures>;
  close(): Promise<void>;
}

/** Seen from the bundle that runs. */
const home = new URL('../../../test/bench/', import.meta.url);
const script = fileURLToPath(new URL('contenders/qcfractalRun.py', home));
const own = fileURLToPath(new URL('peers/qcfractal/bin/python', home));

/** How to get it, beside PostgreSQL. */
export const qcfractalSetUp =
  'python3 -m venv test/bench/peers/qcfractal && test/bench/peers/qcfractal/bin/pip install ' +
  'qcfractal==0.71 qcfractalcompute==0.71 qcarchivetesting==0.71; or name a Python that has them in ' +
  'JOBWRIGHT_BENCH_PYTHON';

/** QCFractal's own record management, called in process. Throws NotHere where it cannot be had. */
export async function openQcfractal(): Promise<Qcfractal> {
  const python = process.env['JOBWRIGHT_BENCH_PYTHON'] ?? own;
  if (!existsSync(python))
    throw new NotHere(`the Python package qcfractal was not found: ${qcfractalSetUp}`);
  const version = execFileSync(python, ['-c', 'import qcfractal; print(qcfractal.__version__)'], {
    encoding: 'utf8',
  }).trim();
  const postgres = await startPostgres();
  const { hostname, port, username } = new URL(postgres.server.url);
  return {
    version: `QCFractal ${version} on ${postgres.server.version}`,
    async run(records, bulk) {
      const args = [script, hostname, port, username, String(records), String(bulk)];
      const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 64 * 1024 * 1024 });
      const [line = ''] = stdout.trim().split('\n').slice(-1);
      return JSON.parse(line) as QcfractalFigures;
    },
    close: () => postgres.close(),
  };
}
