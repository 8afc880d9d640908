import { durability } from './context.ts';
import { show, toRow, type Report, type Sample } from './figures.ts';
import { toPlace, type OpenPlace, type Part } from './processesParts.ts';
import { toSample } from './processesRun.ts';
import { openManager, pipeline, type Done, type HotOrder } from './processesSender.ts';
import { describeUsage, watchUsage } from './processesUsage.ts';

const callers = 500;
/** A history holds no more than 50,000 entries. */
const mostEvents = 48_000;
const least = { rate: 8_000, p99: 250 };

/** 500 callers in two processes on one job: both want the same place in its log. */
export async function hotOnTwo(
  place: OpenPlace,
  parts: readonly Part[],
  rounds: number,
  milliseconds: number,
): Promise<Report> {
  const samples: Sample[] = [];
  const notes = { events: 0, commits: 0, conflicts: 0, unknown: 0, gaps: 0, usage: '' };
  await Promise.all(parts.map((part) => part.ask('open', toPlace(place))));
  for (let round = -1; round < rounds; round += 1) {
    // The round before the first is not counted: the code gets warm.
    const { jobId, token } = await newJob(place, `hot ${round}`);
    const order: HotOrder = {
      ...{ jobId, token, callers: callers / parts.length },
      ...{ milliseconds: round < 0 ? 1_000 : milliseconds, most: mostEvents / parts.length },
    };
    const usage = await watchUsage([place.admin]);
    const done = await Promise.all(parts.map((part) => part.ask<Done>('hot', order)));
    const used = await usage(done.map(({ cpu }) => cpu));
    if (round < 0) continue;
    const { commits, gaps } = await lookThrough(place, jobId, done);
    samples.push(toSample(done, used));
    notes.events += done.reduce((sum, { count }) => sum + count, 0);
    notes.conflicts += done.reduce((sum, each) => sum + each.conflicts, 0);
    notes.unknown += done.reduce((sum, each) => sum + each.unknown, 0);
    notes.commits += commits;
    notes.gaps += gaps;
    notes.usage = describeUsage(used);
  }
  await Promise.all(parts.map((part) => part.ask('close')));
  const row = toRow(
    {
      bench: 'processes',
      row: `one job, ${callers} callers in ${parts.length} processes`,
      unit: 'events/s',
      durability,
    },
    samples,
  );
  const { p99 = NaN } = row;
  const verdict = {
    bench: 'processes',
    target: `one job, ${callers} callers in two processes: at least ${show(least.rate)} events/s, p99 below ${least.p99} ms, no gap`,
    found: `${show(row.median)}/s, p50 ${show(row.p50)} ms, p99 ${show(p99)} ms, ${notes.gaps} gaps in ${show(notes.events)} events`,
    met: row.median >= least.rate && p99 < least.p99 && notes.gaps === 0,
  };
  const limit = {
    bench: 'processes',
    target: 'what limits two processes on one job is named',
    found:
      `${show(notes.commits)} commits with ${show(notes.events / notes.commits)} events each, ` +
      `${show(notes.conflicts / notes.commits)} attempts lost to the other process for each, ${notes.unknown} of unknown outcome; ${notes.usage}`,
    met: true,
  };
  return { rows: [row], verdicts: [verdict, limit] };
}

async function newJob(place: OpenPlace, name: string): Promise<{ jobId: string; token: string }> {
  const manager = await openManager(toPlace(place));
  try {
    const job = await manager.setup('pipelineJob', { pipeline, data: { name } });
    return { jobId: job.id, token: job.token };
  } finally {
    await manager.close();
  }
}

/** Reads the whole log past the engine: every acknowledged event has its place, in one line. */
async function lookThrough(
  { db }: OpenPlace,
  job: string,
  done: readonly Done[],
): Promise<{ commits: number; gaps: number }> {
  const sent = done.reduce((sum, { count }) => sum + count, 0);
  const range = { _id: { $gte: { job, seq: 0 }, $lte: { job, seq: Number.MAX_SAFE_INTEGER } } };
  interface Place {
    readonly _id: { readonly seq: number };
    readonly count: number;
  }
  const pieces = db
    .collection('commits')
    .aggregate<Place>([
      { $match: range },
      { $sort: { _id: 1 } },
      { $project: { count: { $size: '$entries' } } },
    ]);
  let next = 1;
  let commits = 0;
  let gaps = 0;
  for await (const { _id, count } of pieces) {
    if (_id.seq !== next) gaps += 1;
    next = _id.seq + count;
    commits += 1;
  }
  // An event that was acknowledged and is not there would be a gap at the end.
  if (next !== sent + 2) gaps += Math.abs(sent + 2 - next);
  return { commits: commits - 1, gaps };
}
