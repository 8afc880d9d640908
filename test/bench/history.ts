import type { JobHandle } from '../../src/jobs/jobHandle.ts';
import type { JobManager } from '../../src/jobs/jobManager.ts';
import { durability, type Context } from './context.ts';
import { median, medianRatio, show, toRow, type Report, type Row, type Sample } from './figures.ts';
import { measureRate, timed } from './measure.ts';
import { openPlainLayout, type PlainEntry } from './plainLayout.ts';

const short = 10;
/** A short job takes no more single events than this before a fresh one takes its place. */
const block = 10;
const blocks = 30;
const note = { progress: 50, msg: 'half way' };

/** The cost of an event at the end of a long history against a short one, in turns. */
export async function history(context: Context): Promise<Report> {
  const manager = await context.open();
  await manager.pipelines.put('bench', { name: 'Benchmark' });
  const long = context.scale.history;
  const longJob = await grownJob(manager, 'long', long);
  await singly(() => grownJob(manager, `warm-up ${(names += 1)}`, short), longJob, 3);
  const single = [...emptyPair(), ...emptyPair()];
  const [ours, oursLong, plain, plainLong] = single;
  const many = emptyPair();
  for (let round = 0; round < context.scale.rounds; round += 1) {
    const fresh = () => grownJob(manager, `single ${(names += 1)}`, short);
    const pair = await singly(fresh, longJob, blocks);
    ours?.push(pair[0]);
    oursLong?.push(pair[1]);
    for (const [index, sample] of (await together(context, manager, longJob)).entries())
      many[index]?.push(sample);
    const theirs = await plainSingly(context, long);
    plain?.push(theirs[0]);
    plainLong?.push(theirs[1]);
  }
  const cold = await coldly(context, longJob.id);
  const one = (row: string, unit = 'ms') => ({ bench: 'history', row, unit, durability });
  const at = (entries: number) => `at ${show(entries)} entries`;
  const rows = [
    toRow(one(`one caller ${at(short)}`), ours ?? []),
    toRow(one(`one caller ${at(long)}`), oursLong ?? []),
    toRow(one(`32 callers ${at(short)}`, 'events/s'), many[0]),
    toRow(one(`32 callers ${at(long)}`, 'events/s'), many[1]),
    toRow(one(`first event to a job not at hand ${at(short)}`), cold[0]),
    toRow(one(`first event to a job not at hand ${at(long)}`), cold[1]),
    toRow(one(`plain layout, one caller ${at(short)}`), plain ?? []),
    toRow(one(`plain layout, one caller ${at(long)}`), plainLong ?? []),
  ];
  return { rows, verdicts: judge(rows, long) };
}

let names = 0;
const emptyPair = (): [Sample[], Sample[]] => [[], []];

function judge(rows: readonly Row[], long: number) {
  const [one, oneLong, many, manyLong, cold, coldLong] = rows.map(({ samples }) => samples);
  const verdict = (what: string, ratio: number) => ({
    bench: 'history',
    target: `${what} at ${show(long)} entries at most 1.2 × the cost at ${short}`,
    found: `${show(ratio)} ×`,
    met: ratio <= 1.2,
  });
  return [
    verdict('one caller', medianRatio(oneLong ?? [], one ?? [])),
    verdict('32 callers', medianRatio(many ?? [], manyLong ?? [])),
    verdict('a job not at hand', medianRatio(coldLong ?? [], cold ?? [])),
  ];
}

/** A running job with so many entries. */
async function grownJob(manager: JobManager, name: string, entries: number): Promise<JobHandle> {
  const job: JobHandle = await manager.setup('pipelineJob' as string, {
    pipeline: 'bench',
    data: { name },
  });
  await job.sendAll([{ name: 'run' }]);
  for (let left = entries - 2; left > 0; left -= 1_000) {
    const size = Math.min(left, 1_000);
    await job.sendAll(Array.from({ length: size }, () => ({ name: 'update', data: note })));
  }
  return job;
}

const update = (job: JobHandle) => job.sendAll([{ name: 'update', data: note }]);

/** The two in turns, event by event, so that whatever disturbs one disturbs the other. */
async function singly(
  fresh: () => Promise<JobHandle>,
  longJob: JobHandle,
  count: number,
): Promise<[Sample, Sample]> {
  const times: [number[], number[]] = [[], []];
  for (let made = 0; made < count; made += 1) {
    const shortJob = await fresh();
    for (let sent = 0; sent < block; sent += 1) {
      times[0].push(await timed(() => update(shortJob)));
      times[1].push(await timed(() => update(longJob)));
    }
  }
  return [summary(times[0]), summary(times[1])];
}

const summary = (latencies: readonly number[]): Sample => ({ value: median(latencies), latencies });

async function together(
  context: Context,
  manager: JobManager,
  longJob: JobHandle,
): Promise<[Sample, Sample]> {
  const samples = emptyPair();
  const settle = () => manager.engine.projector.flush();
  for (let turn = 0; turn < 5; turn += 1) {
    const shortJob = await grownJob(manager, `many ${(names += 1)}`, short);
    for (const [index, job] of [shortJob, longJob].entries()) {
      const work = async (told: (milliseconds: number) => void): Promise<void> =>
        told(await timed(() => update(job)));
      const load = { callers: 32, count: 640 };
      samples[index]?.push(await measureRate(context.admin, load, work, settle));
    }
  }
  const merged = (turns: readonly Sample[]): Sample => ({
    value: median(turns.map(({ value }) => value)),
    latencies: turns.flatMap(({ latencies }) => latencies ?? []),
  });
  return [merged(samples[0]), merged(samples[1])];
}

/** The first event that a process sends to a job that it does not have at hand, connected as it is. */
async function coldly(context: Context, longId: string): Promise<[Sample[], Sample[]]> {
  const samples: [Sample[], Sample[]] = [[], []];
  for (let process = 0; process < 5; process += 1) {
    const manager = await context.open();
    const shortId = (await grownJob(manager, `cold ${(names += 1)}`, short)).id;
    const firstSend = async (id: string): Promise<number> => {
      await manager.engine.projector.flush();
      manager.engine.live.forget(id);
      return timed(async () => update(await manager.job(id)));
    };
    const times: [number[], number[]] = [[], []];
    for (let turn = 0; turn < block; turn += 1) {
      for (const index of turn % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
        times[index].push(await firstSend(index === 0 ? shortId : longId));
    }
    samples[0].push(summary(times[0]));
    samples[1].push(summary(times[1]));
  }
  return samples;
}

async function plainSingly(context: Context, long: number): Promise<[Sample, Sample]> {
  const layout = openPlainLayout(context.plain);
  const entries = (count: number) =>
    Array.from({ length: count - 1 }, (): PlainEntry => ({ name: 'update', data: note, at: now }));
  const now = new Date();
  const longId = await layout.create({}, entries(long));
  let longVersion = long;
  const times: [number[], number[]] = [[], []];
  for (let made = 0; made < blocks / 3; made += 1) {
    const shortId = await layout.create({}, entries(short));
    for (let sent = 0; sent < block; sent += 1) {
      const event = { name: 'update', state: 'RUNNING', data: note };
      const send = (id: string, version: number) =>
        timed(() => layout.send(id, { ...event, version }));
      times[0].push(await send(shortId, short + sent));
      times[1].push(await send(longId, longVersion));
      longVersion += 1;
    }
  }
  return [summary(times[0]), summary(times[1])];
}
