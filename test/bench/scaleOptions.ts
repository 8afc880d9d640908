import { parseArgs } from 'node:util';

/** What `npm run bench -- scale` may be told beside what all benchmarks know. */
export interface ScaleOptions {
  readonly jobs: number;
  /** Keep the database under this name. Needs JOBWRIGHT_TEST_MONGODB_URI: the bench's own server ends with it. */
  readonly keep: string | undefined;
  /** Measure on a database that was kept, and keep it. */
  readonly reuse: string | undefined;
  /** Verify so many random jobs instead of all. */
  readonly sample: number | undefined;
}

/** Far below the whole, which is 1,000,000. */
const usualJobs = 20_000;

/** Read from the command line: main.ts has a number of jobs for another benchmark. */
export function readScaleOptions(args = process.argv.slice(2)): ScaleOptions {
  const { values } = parseArgs({
    args,
    strict: false,
    options: {
      jobs: { type: 'string' },
      keep: { type: 'string' },
      reuse: { type: 'string' },
      sample: { type: 'string' },
    },
  });
  const text = (value: string | boolean | undefined): string | undefined =>
    typeof value === 'string' ? value : undefined;
  const jobs = Number(text(values['jobs']) ?? usualJobs);
  const sample = text(values['sample']);
  return {
    jobs,
    keep: text(values['keep']),
    reuse: text(values['reuse']),
    sample: sample === undefined ? undefined : Number(sample),
  };
}
