import type { Db } from 'mongodb';
import { durability } from './context.ts';
import { show, toRow, type Row, type Sample, type Verdict } from './figures.ts';
import { toPlace, type OpenPlace, type Part } from './processesParts.ts';
import { openManager, type Done, type LifecycleOrder } from './processesSender.ts';
import { describeUsage, watchUsage, type Usage } from './processesUsage.ts';

const callers = 256;

export interface Round {
  readonly sample: Sample;
  readonly usage: Usage;
}

/** One round: each part has a manager of its own for it, on its own place where there are several. */
export async function runLifecycles(
  places: OpenPlace | readonly OpenPlace[],
  parts: readonly Part[],
  milliseconds: number,
  options: { readonly admins?: readonly Db[]; readonly isSharded?: boolean } = {},
): Promise<Round> {
  const all = [places].flat();
  const placeOf = (index: number): OpenPlace => all[index % all.length] as OpenPlace;
  await Promise.all(parts.map((part, index) => part.ask('open', toPlace(placeOf(index)))));
  const admins = options.admins ?? all.map(({ admin }) => admin);
  const usage = await watchUsage(admins);
  // All are open and wait for this: they begin within a millisecond.
  const done = await Promise.all(
    parts.map((part, index) => {
      const shard = options.isSharded && { shard: { index, of: parts.length } };
      const order: LifecycleOrder = { callers, milliseconds, ...(shard || {}) };
      return part.ask<Done>('lifecycles', order);
    }),
  );
  const used = await usage(done.map(({ cpu }) => cpu));
  await Promise.all(parts.map((part) => part.ask('close')));
  return { sample: toSample(done, used), usage: used };
}

/** What several did at once, as one. */
export function toSample(done: readonly Done[], usage: Usage): Sample {
  const count = done.reduce((sum, each) => sum + each.count, 0);
  const seconds = Math.max(...done.map(({ milliseconds }) => milliseconds)) / 1_000;
  return {
    value: count / seconds,
    latencies: done.flatMap(({ latencies }) => latencies),
    clientCpu: done.reduce((sum, { cpu }) => sum + cpu, 0) / count,
    serverCpu: (usage.mongod * seconds * 1e6) / count,
  };
}

/** The rate of so many processes, and in words what it used and what that says of the limit. */
export function tellLifecycles(
  bench: string,
  processCount: number,
  rounds: readonly Round[],
  { setting = '', kept = durability } = {},
): { row: Row; limit: Verdict } {
  const who = `${processCount} ${processCount === 1 ? 'process' : 'processes'}${setting}`;
  const samples = rounds.map(({ sample }) => sample);
  const row = toRow(
    { bench, row: `${who}, ${callers} callers each`, unit: 'life cycles/s', durability: kept },
    samples,
  );
  const usage = rounds.find(({ sample }) => sample.value === row.median)?.usage;
  const found = usage ? describeUsage(usage) : 'nothing was measured';
  return { row, limit: { bench, target: `what limits ${who} is named`, found, met: true } };
}

/** The verdict that follows every benchmark on our engine. */
export async function verifyPlace(bench: string, place: OpenPlace): Promise<Verdict> {
  const manager = await openManager(toPlace(place));
  try {
    const started = performance.now();
    const { jobs, entries, problems } = await manager.verify();
    const seconds = (performance.now() - started) / 1_000;
    const found = problems[0] ? `, the first: ${JSON.stringify(problems[0])}` : '';
    return {
      bench,
      target: `verify finds no problem in the database${place.database.startsWith('bench_') ? '' : ` ${place.database}`}`,
      found: `${problems.length} in ${show(jobs)} jobs with ${show(entries)} entries, in ${show(seconds)} s${found}`,
      met: problems.length === 0,
    };
  } finally {
    await manager.close();
  }
}
