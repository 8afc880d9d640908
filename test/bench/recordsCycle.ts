import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { zipOutput } from '../../src/records/outputs.ts';
import type { Result } from '../../src/records/workerProtocol.ts';
import type { Ours } from './contenders/openOurs.ts';
import type { Sample } from './figures.ts';
import { serverCpu } from './measure.ts';

const programs = { qcengine: '1', psi4: '1' };
/** 18 KB of JSON, as a result of QCFractal's test data; compressed before the clock starts, as theirs is. */
const found = {
  energies: Array.from({ length: 780 }, () => Math.random()),
  log: 'iteration converged within tolerance\n'.repeat(70),
};
const result = await zipOutput('result', found);
const zipped = result && { result };

/** The calls of QCFractal's benchmark: adds of 500, then claims of 200, then reports of 10, one at a time. */
export async function cycleAsTheirs(ours: Ours, admin: Db, count: number): Promise<Sample> {
  const { workers } = ours.manager;
  const name = await activate(ours);
  return measure(ours, admin, count, async () => {
    await addRecords(ours, count);
    const claimed: Result[] = [];
    for (;;) {
      const jobs = await workers.claim(name, { limit: 200 });
      if (jobs.length === 0) break;
      for (const { id, epoch } of jobs) claimed.push({ id, epoch, outcome: 'complete', zipped });
    }
    if (claimed.length !== count) throw new Error(`claimed ${claimed.length} of ${count}`);
    for (let begin = 0; begin < count; begin += 10) {
      await report(ours, name, claimed.slice(begin, begin + 10));
    }
  });
}

/** All added in one call; eight workers, each of which claims 100 and reports on them while the others do. */
export async function cycleAsUsual(ours: Ours, admin: Db, count: number): Promise<Sample> {
  const names = await Promise.all(Array.from({ length: 8 }, () => activate(ours)));
  return measure(ours, admin, count, async () => {
    await addRecords(ours, count, count);
    await Promise.all(names.map((name) => workOff(ours, name)));
  });
}

async function workOff(ours: Ours, name: string): Promise<void> {
  for (;;) {
    const jobs = await ours.manager.workers.claim(name, { limit: 100 });
    if (jobs.length === 0) return;
    const done = jobs.map(({ id, epoch }) => ({ id, epoch, outcome: 'complete', zipped }) as const);
    await report(ours, name, done);
  }
}

async function report({ manager }: Ours, name: string, results: readonly Result[]): Promise<void> {
  const outcomes = await manager.workers.report(name, results);
  const refused = outcomes.find(({ outcome }) => outcome !== 'accepted');
  if (refused) throw new Error(`a report was refused: ${JSON.stringify(refused)}`);
}

export async function activate({ manager }: Ours): Promise<string> {
  const { name } = await manager.workers.activate({
    name: `bench-${randomUUID()}`,
    programs,
    leaseSeconds: 600,
  });
  return name;
}

/** New records, so many a call. */
export async function addRecords(
  { manager }: Ours,
  count: number,
  perCall = 500,
): Promise<string[]> {
  const ids: string[] = [];
  for (let begin = 0; begin < count; begin += perCall) {
    const inputs = Array.from({ length: Math.min(perCall, count - begin) }, () => ({
      data: { programs: Object.keys(programs), input: { molecule: 'water' } },
      findExisting: false,
    }));
    for (const each of await manager.setupMany('record', inputs)) {
      if (each.outcome !== 'created') throw new Error(`not created: ${each.outcome}`);
      ids.push(each.job.id);
    }
  }
  return ids;
}

async function measure(
  { manager }: Ours,
  admin: Db,
  count: number,
  work: () => Promise<void>,
): Promise<Sample> {
  const serverBefore = await serverCpu(admin);
  const clientBefore = process.cpuUsage();
  const started = performance.now();
  await work();
  const value = count / ((performance.now() - started) / 1_000);
  // What follows behind is part of the price.
  await manager.maintain();
  const { user, system } = process.cpuUsage(clientBefore);
  return {
    value,
    clientCpu: (user + system) / count,
    serverCpu: ((await serverCpu(admin)) - serverBefore) / count,
  };
}
