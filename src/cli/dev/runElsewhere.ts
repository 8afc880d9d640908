import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecretKey } from '../../auth/secrets.ts';
import { resultCells } from './runHere.ts';
import type { Sample, SampleJob } from './sample.ts';
import type { WordStatistics } from './wordStatistics.ts';

/** Lets other processes work for jobs, all at once; they report by the token of their job. */
export async function runElsewhere(sample: Sample, jobs: readonly SampleJob[]): Promise<void> {
  const { printer } = sample;
  printer.section('Deferred updates from other processes, each by the token of its job');
  const rows = await Promise.all(
    jobs.map(async (each) => {
      const pid = await startWorker(sample, each);
      const { name, job } = each;
      await job.refresh();
      const statistics = await readFile(join(job.archiveDirectory, 'statistics.json'), 'utf8');
      const cells = resultCells(JSON.parse(statistics) as WordStatistics);
      return [name, printer.state(job.state), `process ${pid}`, ...cells];
    }),
  );
  printer.rows(rows);
}

/**
 * Starts a process that works for a job, and resolves to its id once it has ended well. All that it
 * knows is in its environment: the job's id, a token of the job, and where things are.
 */
async function startWorker({ io, database }: Sample, { job, path }: SampleJob): Promise<number> {
  const { config, secrets, uri } = database;
  const env = {
    JOBWRIGHT_JOB: job.id,
    JOBWRIGHT_TOKEN: job.token,
    JOBWRIGHT_MONGODB_URI: uri,
    JOBWRIGHT_DATABASE: config.database,
    JOBWRIGHT_SECRETS: secrets.map(settingOf).join(','),
    JOBWRIGHT_HOME: config.home,
    JOBWRIGHT_ARCHIVE_ROOT: config.archiveRoot,
    JOBWRIGHT_ARCHIVE_PREFIXES: config.archivePrefixes.join(','),
    JOBWRIGHT_LINKED_COLLECTIONS: config.linkedCollections.join(','),
    JOBWRIGHT_LOG_LEVEL: config.logLevel,
  };
  const child = spawn(process.execPath, [io.program, 'dev-worker', path, job.archiveDirectory], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: io.signal,
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (errors += part));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return child.pid ?? 0;
  throw new Error(`the worker of job ${job.id} ended with ${code ?? 'a signal'}: ${errors.trim()}`);
}

const settingOf = ({ kid, secret }: SecretKey): string => `${kid}:${secret.toString('base64')}`;
