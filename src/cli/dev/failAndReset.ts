import { JobError } from '../../errors.ts';
import { analyseText, UnreadableText } from './analyseText.ts';
import { resultCells } from './runHere.ts';
import type { Sample, SampleJob } from './sample.ts';

/** A job fails on its text; an admin resets it, which empties its directory; told the letters, it succeeds. */
export async function failAndReset(sample: Sample, sampleJob: SampleJob): Promise<void> {
  const { printer, adminToken } = sample;
  const { name, path, job } = sampleJob;
  printer.section('A failure, a reset by an admin, another run');
  const rows: string[][] = [];
  const add = (...cells: string[]) => rows.push([printer.state(job.state), ...cells]);
  await failOn(sampleJob);
  add('failed', String((await lastData(sampleJob))['reason']));
  add('archive', await listFiles(sample, sampleJob));
  add('refused', await refusalOf(job.finish().then(() => undefined)));
  const reason = 'the text is fine, its letters are those of Windows';
  add('refused', await refusalOf(job.reset({ token: job.token, reason }).then(() => undefined)));
  await job.reset({ token: adminToken, reason });
  add('reset', reason);
  add('archive', await listFiles(sample, sampleJob));
  const encoding = 'windows-1252';
  await job.run({ text: name, encoding });
  const { statistics, files } = await analyseText(path, job.archiveDirectory, encoding);
  await job.update({ words: statistics.words }).finish({ files });
  add('run again', resultCells(statistics).join(', '));
  add('archive', await listFiles(sample, sampleJob));
  printer.rows(rows);
}

/** The work fails, and the job says why. */
async function failOn({ name, path, job }: SampleJob): Promise<void> {
  await job.run({ text: name });
  try {
    await analyseText(path, job.archiveDirectory);
  } catch (error) {
    if (!(error instanceof UnreadableText)) throw error;
    await job.fail({ reason: error.message });
  }
}

async function lastData({ job }: SampleJob): Promise<Readonly<Record<string, unknown>>> {
  const { entries } = await job.history({ after: job.version - 1 });
  return entries[0]?.data ?? {};
}

async function listFiles({ database }: Sample, { job }: SampleJob): Promise<string> {
  const files = await database.manager.engine.archive.list(job.archivePath);
  return files.length > 0 ? files.join(', ') : 'empty';
}

/** What a request is answered that must not succeed. */
async function refusalOf(request: Promise<undefined>): Promise<string> {
  try {
    await request;
  } catch (error) {
    if (error instanceof JobError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('a request succeeded that should have been refused');
}
