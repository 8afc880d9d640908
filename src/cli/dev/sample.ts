import { readFile } from 'node:fs/promises';
import type { Io } from '../io.ts';
import type { OpenDatabase } from '../openDatabase.ts';
import type { Printer } from './printer.ts';
import type { JobHandle } from '../../jobs/jobHandle.ts';
import type { JobManager } from '../../jobs/jobManager.ts';
import type { PipelineEvents } from '../../jobs/managedPipelineJob.ts';
import { packageFile } from '../packageFile.ts';

export type PipelineHandle = JobHandle<PipelineEvents>;

/** What the parts of the sample work with. */
export interface Sample {
  readonly io: Io;
  readonly database: OpenDatabase;
  readonly printer: Printer;
  readonly adminToken: string;
}

/** One text and its job. */
export interface SampleJob {
  readonly name: string;
  /** The text, as a file of this machine. */
  readonly path: string;
  readonly job: PipelineHandle;
  /** Whether this run made it; else it was there and was reset. */
  readonly isNew: boolean;
  /** Its version when this run began. */
  readonly before: number;
}

const sampleTexts = [
  'tide-gauge',
  'glacier-stakes',
  'seed-bank',
  'night-sky',
  /** Saved in the letters of another time: the pipeline fails on it at first. */
  'moth-trap',
  /** Deleted in the end. */
  'river-nitrate',
] as const;

export type SampleJobs = Readonly<Record<(typeof sampleTexts)[number], SampleJob>>;

const pipeline = 'word-count';
export const experiment = 'field-season';
const stopWords = 'https://www.example.org/word-lists/stop-words-en';

/** Registers what the jobs are runs of and refer to: a pipeline, the texts, an experiment, a word list. */
export async function registerSample({ pipelines, documents }: JobManager): Promise<void> {
  await pipelines.put(pipeline, {
    name: 'Word count',
    description: 'Counts the words of a text.',
    metadata: { output: ['statistics.json', 'words.csv'] },
  });
  await documents.put('experiments', experiment, { name: 'Field season' });
  await documents.put('references', 'stop-words-en', { uri: stopWords });
  for (const name of sampleTexts) {
    const text = await readFile(textPath(name));
    await documents.put('files', name, {
      name: `${name}.txt`,
      uri: uriOf(name),
      bytes: text.length,
    });
  }
}

/**
 * Sets up a job for each text. What a job is follows from its pipeline, parents and data, so the second
 * run of the sample finds the jobs of the first: these are reset, which only an admin may do.
 */
export async function setUpJobs(manager: JobManager, adminToken: string): Promise<SampleJobs> {
  const jobs: [string, SampleJob][] = [];
  for (const name of sampleTexts) {
    const job = await manager.setup('pipelineJob', {
      pipeline,
      parents: `experiments:${experiment}`,
      data: { inputs: { text: uriOf(name) }, parameters: { stopWords } },
      session: 'dev',
      tags: ['sample'],
    });
    const isNew = job.view().lastEvent === 'create';
    const before = isNew ? job.version - 1 : job.version;
    if (!isNew) await job.reset({ token: adminToken, reason: 'the sample is run again' });
    jobs.push([name, { name, path: textPath(name), job, isNew, before }]);
  }
  // Each name was gone through.
  return Object.fromEntries(jobs) as SampleJobs;
}

const textPath = (name: string): string => packageFile('docs', 'examples', 'data', `${name}.txt`);

const uriOf = (name: string): string => `agave://field-archive/uploads/notes/${name}.txt`;
