import { analyseText } from './analyseText.ts';
import type { Sample, SampleJob } from './sample.ts';
import type { WordStatistics } from './wordStatistics.ts';

/** Works for jobs in this very process: each tells what it did by one chain of events, which is one commit. */
export async function runHere({ io, printer }: Sample, jobs: readonly SampleJob[]): Promise<void> {
  printer.section('Events from this process, a chain each: run, update, finish');
  const rows: string[][] = [];
  for (const { name, path, job } of jobs) {
    io.signal.throwIfAborted();
    const { statistics, files } = await analyseText(path, job.archiveDirectory);
    const { words, different } = statistics;
    await job.run({ text: name }).update({ words, different }).finish({ files });
    rows.push([name, printer.state(job.state), ...resultCells(statistics)]);
  }
  printer.rows(rows);
}

/** The result of a text, for a line of a table. */
export const resultCells = ({
  words,
  different,
  wordsPerSentence,
  top,
}: WordStatistics): string[] => [
  `${words} words`,
  `${different} different`,
  `${wordsPerSentence} a sentence`,
  top.map(({ word, count }) => `${word} ${count}`).join(', '),
];
