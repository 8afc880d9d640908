import { randomUUID } from 'node:crypto';
import type { Collection, Document } from 'mongodb';
import type { JobManager } from '../../../src/jobs/jobManager.ts';
import { durability, type Context } from '../context.ts';
import {
  median,
  medianRatio,
  quantile,
  show,
  toRow,
  type Report,
  type Sample,
} from '../figures.ts';
import { timed } from '../measure.ts';
import { sendWithToken, type Send } from '../sender.ts';
import { openOurs } from './openOurs.ts';

const turns = 2_000;
const pairs = 300;
/** A short job takes no more single events than this before a fresh one takes its place. */
const block = 10;
const short = 10;
const long = 50_000;
const note = { progress: 50, msg: 'half way' };

/** One caller: an acknowledged event against a raw insertOne, and late in a long history against early. */
export async function single({ uri, scale }: Context): Promise<Report> {
  // A history that is measured at its limit has to grow past it.
  const engine = await openOurs(uri, { makeDirectories: false, limits: { history: 2 * long } });
  const { manager, db } = engine;
  try {
    const longJob = await grownJob(manager, long);
    const raw = db.collection<Document>('single_raw');
    const like = await commitOf(db.collection<Document>('commits'), manager);
    const samples: Record<'event' | 'insert' | 'early' | 'late', Sample[]> = {
      event: [],
      insert: [],
      early: [],
      late: [],
    };
    await beside(manager, raw, like, turns / 10);
    for (let round = 0; round < scale.rounds; round += 1) {
      const { event, insert } = await beside(manager, raw, like, turns);
      samples.event.push(tail(event));
      samples.insert.push(tail(insert));
      const { early, late } = await earlyAndLate(manager, longJob, pairs);
      samples.early.push(middle(early));
      samples.late.push(middle(late));
    }
    const { ok, entries, problemCount } = await manager.verify();
    const verified = { ok, found: `${show(entries)} entries, ${problemCount} problems` };
    return report(samples, verified);
  } finally {
    await engine.close();
  }
}

const tail = (latencies: readonly number[]): Sample => ({
  value: quantile(
    [...latencies].sort((a, b) => a - b),
    0.99,
  ),
  latencies,
});
const middle = (latencies: readonly number[]): Sample => ({ value: median(latencies), latencies });

type Event = Omit<Send, 'key'>;

/** A running job with so many entries, and the event that it is sent next. */
async function grownJob(manager: JobManager, entries: number): Promise<Event> {
  const job = await manager.setup('pipelineJob' as string, {
    pipeline: 'bench',
    data: { name: randomUUID() },
  });
  await job.sendAll([{ name: 'run' }]);
  for (let left = entries - 2; left > 0; left -= 1_000) {
    const size = Math.min(left, 1_000);
    await job.sendAll(Array.from({ length: size }, () => ({ name: 'update', data: note })));
  }
  return { jobId: job.id, token: job.token, name: 'update', data: note };
}

let keys = 0;
const send = (manager: JobManager, event: Event): Promise<number> => {
  const key = `update-${(keys += 1)}`;
  return timed(() => sendWithToken(manager, { ...event, key }));
};

/** A commit document of one such event, as it is stored. */
async function commitOf(commits: Collection<Document>, manager: JobManager): Promise<Document> {
  const event = await grownJob(manager, short);
  await send(manager, event);
  const commit = await commits.findOne({ '_id.job': event.jobId }, { sort: { '_id.seq': -1 } });
  if (!commit) throw new Error('the engine stored no commit');
  return commit;
}

/** In turns, and in turns first: whatever disturbs one disturbs the other. */
async function beside(
  manager: JobManager,
  raw: Collection<Document>,
  like: Document,
  count: number,
): Promise<Record<'event' | 'insert', number[]>> {
  const times: Record<'event' | 'insert', number[]> = { event: [], insert: [] };
  let event = await grownJob(manager, short);
  const insert = async (seq: number): Promise<void> => {
    const document: Document = { ...like, _id: { job: randomUUID(), seq } };
    times.insert.push(await timed(() => raw.insertOne(document)));
  };
  for (let turn = 0; turn < count; turn += 1) {
    if (turn % block === 0) event = await grownJob(manager, short);
    if (turn % 2 === 0) await insert(turn);
    times.event.push(await send(manager, event));
    if (turn % 2 === 1) await insert(turn);
  }
  return times;
}

async function earlyAndLate(
  manager: JobManager,
  longJob: Event,
  count: number,
): Promise<Record<'early' | 'late', number[]>> {
  const times: Record<'early' | 'late', number[]> = { early: [], late: [] };
  let shortJob = await grownJob(manager, short);
  for (let turn = 0; turn < count; turn += 1) {
    if (turn % block === 0) shortJob = await grownJob(manager, short);
    if (turn % 2 === 0) times.early.push(await send(manager, shortJob));
    times.late.push(await send(manager, longJob));
    if (turn % 2 === 1) times.early.push(await send(manager, shortJob));
  }
  return times;
}

function report(
  { event, insert, early, late }: Record<'event' | 'insert' | 'early' | 'late', Sample[]>,
  verified: { readonly ok: boolean; readonly found: string },
): Report {
  const naming = { bench: 'single', unit: 'ms', durability };
  const rates = (samples: readonly Sample[]) => samples.map(({ value }) => value);
  const verdict = (target: string, ratio: number, most: number) => ({
    bench: 'single',
    target: `${target} at most ${most} ×`,
    found: `${show(ratio)} ×`,
    met: ratio <= most,
  });
  return {
    rows: [
      toRow({ ...naming, row: 'p99 of one acknowledged event, 1 caller' }, event),
      toRow({ ...naming, row: 'p99 of one raw insertOne of the same document, in turns' }, insert),
      toRow({ ...naming, row: `an event at ${show(short)} entries, median` }, early),
      toRow({ ...naming, row: `an event at ${show(long)} entries, median, in turns` }, late),
    ],
    verdicts: [
      verdict(
        'p99 of an event against a raw insertOne',
        medianRatio(rates(event), rates(insert)),
        1.5,
      ),
      verdict(
        `an event at ${show(long)} entries against at ${short}`,
        medianRatio(rates(late), rates(early)),
        1.1,
      ),
      {
        bench: 'single',
        target: 'verify finds nothing wrong',
        found: verified.found,
        met: verified.ok,
      },
    ],
  };
}
