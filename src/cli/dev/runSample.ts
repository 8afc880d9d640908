import { mermaid } from '../../machine/diagram.ts';
import { pipelineJob } from '../../../machines/index.ts';
import type { Io } from '../io.ts';
import type { OpenDatabase } from '../openDatabase.ts';
import { packageVersion } from '../packageFile.ts';
import { verdictLines } from '../verdict.ts';
import { deleteJob } from './deleteJob.ts';
import { failAndReset } from './failAndReset.ts';
import { createPrinter } from './printer.ts';
import { printHistory } from './printHistory.ts';
import { runElsewhere } from './runElsewhere.ts';
import { runHere } from './runHere.ts';
import { registerSample, setUpJobs, type Sample, type SampleJobs } from './sample.ts';

/**
 * The life of six jobs of a pipeline that counts words: set up, run here by chains of events and
 * elsewhere by a token, failed, reset, run again, deleted. Prints what happens, every job's history, the
 * machine, and the verdict of verify; resolves to whether that is good.
 */
export async function runSample(io: Io, database: OpenDatabase): Promise<boolean> {
  const { manager } = database;
  const printer = createPrinter(io);
  const adminToken = manager.issueToken({ kind: 'admin', subject: 'dev', ttl: 600 }).token;
  const sample = { io, database, printer, adminToken };
  printPlaces(sample);
  await registerSample(manager);
  const jobs = await setUpJobs(manager, adminToken);
  printSetUp(sample, jobs);
  const { 'moth-trap': broken, 'river-nitrate': superfluous } = jobs;
  await runHere(sample, [jobs['tide-gauge'], jobs['glacier-stakes'], superfluous]);
  await runElsewhere(sample, [jobs['seed-bank'], jobs['night-sky']]);
  await failAndReset(sample, broken);
  await deleteJob(sample, superfluous, jobs);
  printer.section('The histories');
  for (const each of Object.values(jobs))
    if (each !== superfluous) await printHistory(printer, each);
  printer.section('The machine, as Mermaid text');
  for (const line of mermaid(pipelineJob).trimEnd().split('\n')) printer.line(line);
  printer.section('The verdict of verify');
  const report = await manager.verify();
  const colour = report.ok ? 'green' : 'red';
  for (const line of verdictLines(report, 'database')) printer.line(printer.paint(colour, line));
  return report.ok;
}

function printPlaces({ printer, database }: Sample): void {
  const { isEmbedded, uri, config } = database;
  printer.line(printer.paint('bold', `jobwright ${packageVersion()}, a sample run`));
  printer.rows([
    // A connection string may hold a password.
    [
      'database',
      `${config.database} ${isEmbedded ? `embedded in ${config.home}, ${uri}` : 'of JOBWRIGHT_MONGODB_URI'}`,
    ],
    ['archive', config.archiveRoot],
  ]);
}

function printSetUp({ printer }: Sample, jobs: SampleJobs): void {
  printer.section('A pipeline, its documents, a job for each text');
  const rows = Object.values(jobs).map(({ name, job, isNew, before }) => {
    const { child_of, acted_on, acted_using } = job.links;
    const found = isNew ? 'created' : `attached, reset after entry ${before}`;
    return [
      name,
      job.id.slice(0, 8),
      printer.state(job.state),
      found,
      child_of.join(),
      acted_on.join(),
      acted_using.join(),
    ];
  });
  const head = ['text', 'job', 'state', 'set-up', 'child_of', 'acted_on', 'acted_using'];
  printer.rows([head.map((title) => printer.paint('dim', title)), ...rows]);
}
