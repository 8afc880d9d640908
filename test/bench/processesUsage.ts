import { availableParallelism, cpus } from 'node:os';
import type { Db } from 'mongodb';
import { serverCpu } from './measure.ts';
import { show } from './figures.ts';

/** Cores in use over a stretch of time, and the share of it in which mongod synced its journal. */
export interface Usage {
  readonly clients: readonly number[];
  readonly mongod: number;
  /** All that runs on this machine. */
  readonly machine: number;
  readonly journal: number;
}

interface Reading {
  readonly at: number;
  readonly mongod: number;
  readonly machine: number;
  readonly journal: number;
}

/** Watches what a load uses; the clients tell their own microseconds at the end. */
export async function watchUsage(
  admins: readonly Db[],
): Promise<(clients: readonly number[]) => Promise<Usage>> {
  const before = await read(admins);
  return async (clients) => {
    const after = await read(admins);
    const elapsed = (after.at - before.at) * 1_000;
    return {
      clients: clients.map((cpu) => cpu / elapsed),
      mongod: (after.mongod - before.mongod) / elapsed,
      machine: (after.machine - before.machine) / elapsed,
      journal: (after.journal - before.journal) / elapsed / admins.length,
    };
  };
}

async function read(admins: readonly Db[]): Promise<Reading> {
  const [mongods, journals] = await Promise.all([
    Promise.all(admins.map(serverCpu)),
    Promise.all(admins.map(journalTime)),
  ]);
  const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0);
  return {
    at: performance.now(),
    mongod: sum(mongods),
    machine: machineTime(),
    journal: sum(journals),
  };
}

/** Microseconds that a mongod has spent waiting for the disk to have its journal. */
async function journalTime(admin: Db): Promise<number> {
  const { wiredTiger } = (await admin.command({ serverStatus: 1 })) as {
    wiredTiger?: { log?: Record<string, number> };
  };
  return wiredTiger?.log?.['log sync time duration (usecs)'] ?? NaN;
}

/** Microseconds in which a core was not idle, of all processes. */
const machineTime = (): number =>
  cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) *
  1_000;

/** What a load is held up by, as far as these figures tell. */
export function nameLimit({ clients, mongod, machine, journal }: Usage): string {
  const cores = availableParallelism();
  const full = clients.filter((used) => used >= 0.9).length;
  if (machine >= 0.93 * cores) {
    const others = machine - mongod - clients.reduce((sum, used) => sum + used, 0);
    return others > 0.15 * cores
      ? `all ${cores} cores are full, ${show(others)} of them by other work`
      : `all ${cores} cores are full`;
  }
  if (full > 0) return `${full === 1 ? 'a client’s core is' : `${full} clients’ cores are`} full`;
  if (journal >= 0.8) return 'the disk: the journal is always being synced';
  return 'no core is full: callers wait for one another and for the journal';
}

/** In words, for a row. */
export const describeUsage = (usage: Usage): string =>
  `clients ${usage.clients.map((used) => used.toFixed(2)).join(' + ')}, mongod ${usage.mongod.toFixed(2)}, ` +
  `journal synced ${Math.round(usage.journal * 100)} % of the time; limit: ${nameLimit(usage)}`;
