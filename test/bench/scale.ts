import { verify } from '../../src/jobs/verify.ts';
import type { JobManager } from '../../src/jobs/jobManager.ts';
import type { Context } from './context.ts';
import { show, type Report, type Row, type Verdict } from './figures.ts';
import { openPlace, toPlace, type OpenPlace } from './processesParts.ts';
import { verifyPlace } from './processesRun.ts';
import { openManager } from './processesSender.ts';
import { buildDatabase, jobsOf } from './scaleBuild.ts';
import { measureCounts } from './scaleCounts.ts';
import { measureLists } from './scaleLists.ts';
import { readScaleOptions } from './scaleOptions.ts';
import { drawJobs, measureJobs, setPatience } from './scaleReads.ts';
import { measureSizes } from './scaleSizes.ts';
import { measureStartUp } from './scaleStartUp.ts';

/** One database with many jobs: built, or kept from before; then what people and processes ask of it. */
export async function scale({ uri, scale: { seconds } }: Context): Promise<Report> {
  setPatience(seconds * 1_000);
  const { jobs: wished, keep, reuse, sample } = readScaleOptions();
  const name = reuse ?? keep;
  if (name !== undefined && !process.env['JOBWRIGHT_TEST_MONGODB_URI'])
    throw new Error('to keep a database, name a server by JOBWRIGHT_TEST_MONGODB_URI');
  const place = await openPlace(uri, name === undefined ? undefined : `kept_${name}`);
  let isWhole = reuse !== undefined;
  try {
    const built = reuse === undefined ? await buildDatabase(place, wished) : [];
    isWhole = true;
    return await measure(place, await jobsOf(place), built, sample);
  } finally {
    // What broke off in the middle of being built is of no use.
    await place.close({ keepDatabase: name !== undefined && isWhole });
  }
}

async function measure(
  place: OpenPlace,
  jobs: number,
  built: readonly Row[],
  sample: number | undefined,
): Promise<Report> {
  const say = (what: string): void => console.error(`scale: ${what}, ${show(jobs)} jobs`);
  const manager = await openManager(toPlace(place));
  try {
    say('jobs');
    const single = await measureJobs(manager, jobs);
    say('lists');
    const lists = await measureLists(manager, place);
    say('counts');
    const counts = await measureCounts(manager);
    const sizes = await measureSizes(place);
    say('start-up');
    // Last: it leaves jobs behind that are no part of the plan.
    const startUp = await measureStartUp(place);
    say('verify');
    const verdict = await verifyAll(manager, place, jobs, sample);
    return {
      rows: [...built, ...single, ...lists.rows, ...counts.rows, ...startUp.rows, ...sizes],
      verdicts: [
        ...single.flatMap(judge),
        ...lists.verdicts,
        ...counts.verdicts,
        ...startUp.verdicts,
        verdict,
      ],
    };
  } finally {
    await manager.close();
  }
}

function judge({ row, p50, p99 = Infinity }: Row): Verdict[] {
  if (!/^(get|send) /.test(row)) return [];
  const found = `p50 ${show(p50)} ms, p99 ${show(p99)} ms`;
  const target = `${row}: p99 < 20 ms at 1 caller (aim 5 ms)`;
  return [{ bench: 'scale', target, found, met: p99 < 20 }];
}

/** Of everything, or of so many random jobs, which the verdict then says. */
async function verifyAll(
  manager: JobManager,
  place: OpenPlace,
  jobs: number,
  sample: number | undefined,
): Promise<Verdict> {
  if (sample === undefined) return verifyPlace('scale', place);
  const draw = drawJobs(jobs, 2);
  const started = performance.now();
  let problems = 0;
  for (let count = 0; count < sample; count += 1)
    problems += (await verify(manager.engine, { job: draw().id })).problems.length;
  const seconds = (performance.now() - started) / 1_000;
  return {
    bench: 'scale',
    target: `verify finds no problem in a sample of ${show(sample)} of ${show(jobs)} jobs`,
    found: `${problems}, in ${show(seconds)} s`,
    met: problems === 0,
  };
}
