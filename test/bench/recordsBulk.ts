import type { BulkRequest } from '../../src/bulk/bulkRequest.ts';
import type { Ours } from './contenders/openOurs.ts';
import { durability } from './context.ts';
import { median, show, toRow, type Report, type Row, type Verdict } from './figures.ts';
import { timed } from './measure.ts';
import { activate, addRecords } from './recordsCycle.ts';

/** Seconds that the other one needs for a thousand records, a round each; empty where it was left out. */
type Theirs = Readonly<Record<'cancel' | 'reset', readonly number[]>>;

/** Bulk operations on so many records by their ids, with the plan that they need, until all is written. */
export async function bulkOperations(
  ours: Ours,
  count: number,
  rounds: number,
  theirs: Theirs,
): Promise<Report> {
  const seconds: Record<'cancel' | 'uncancel' | 'reset', number[]> = {
    cancel: [],
    uncancel: [],
    reset: [],
  };
  for (let round = 0; round < rounds; round += 1) {
    const ids = await addRecords(ours, count);
    await ours.manager.maintain();
    seconds.cancel.push(await operate(ours, { op: 'cancel', ids, reason: 'bench' }));
    seconds.uncancel.push(await operate(ours, { op: 'uncancel', ids, reason: 'bench' }));
    await failAll(ours, count);
    seconds.reset.push(await operate(ours, { op: 'reset', ids, reason: 'bench' }));
    // Out of the way of what comes after.
    await operate(ours, { op: 'cancel', ids, reason: 'bench' });
  }
  const rows: Row[] = Object.entries(seconds).map(([op, values]) =>
    toRow(
      { bench: 'records', unit: 's', durability, row: `bulk ${op} of ${show(count)}` },
      values.map((value) => ({ value })),
    ),
  );
  for (const op of ['cancel', 'reset'] as const) {
    if (theirs[op].length === 0) continue;
    const row = `QCFractal: bulk ${op}, a thousand`;
    const samples = theirs[op].map((value) => ({ value }));
    rows.push(toRow({ bench: 'records', unit: 's', durability: 'fsync on', row }, samples));
  }
  const verdicts = (['cancel', 'reset'] as const).map((op): Verdict => ({
    bench: 'records',
    target: `bulk ${op} of ${show(count)} below 2 s`,
    found: `${show(median(seconds[op]))} s`,
    met: median(seconds[op]) < 2,
  }));
  return { rows, verdicts };
}

/** Seconds of a run, its plan made before. */
async function operate({ manager }: Ours, request: BulkRequest): Promise<number> {
  const { plan } = await manager.bulk.plan(request);
  let updated = 0;
  const milliseconds = await timed(async () => {
    const { counts } = await manager.bulk.run({ ...request, plan }, { wait: 60 });
    ({ updated } = counts);
  });
  if (updated !== request.ids?.length) throw new Error(`${request.op}: only ${updated} updated`);
  await manager.maintain();
  return milliseconds / 1_000;
}

async function failAll(ours: Ours, count: number): Promise<void> {
  const name = await activate(ours);
  for (let left = count; left > 0;) {
    const jobs = await ours.manager.workers.claim(name, { limit: 200 });
    if (jobs.length === 0) throw new Error(`${left} records were not to be had`);
    const error = { type: 'bench', message: 'as planned' };
    await ours.manager.workers.report(
      name,
      jobs.map(({ id, epoch }) => ({ id, epoch, outcome: 'error', error })),
    );
    left -= jobs.length;
  }
  await ours.manager.maintain();
}
