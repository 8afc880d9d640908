import type { Context } from '../context.ts';
import { show, type Report } from '../figures.ts';
import type { Contender, TrialResult } from './contender.ts';
import { contenders } from './contenders.ts';
import { forkTrial } from './forkTrial.ts';
import { howToInstall, installedVersion } from './installed.ts';
import { judgePeers } from './judgePeers.ts';
import { countCallers, formatPeers, toPeerRows, type Entry } from './peerRows.ts';
import { openServers, type Servers } from './servers.ts';

/**
 * Ours beside what a user would pick instead: create a job, mark it running, mark it finished, each
 * acknowledged. Round-robin, each sample in a process of its own. What this machine lacks is told.
 */
export async function peers({ uri, scale }: Context): Promise<Report> {
  const entries = contenders.flatMap((contender) =>
    contender.callers.map((callers): Entry => toEntry(contender, callers, scale.jobs / 10)),
  );
  const chosen = entries.filter(
    ({ contender, callers }) =>
      contender.id === 'ours' || `${contender.row}, ${countCallers(callers)}`.includes(scale.row),
  );
  const names = new Set(chosen.map(({ contender }) => contender.server));
  const stop = (): never => process.exit(1);
  const signals = ['SIGINT', 'SIGTERM', 'disconnect'];
  for (const signal of signals) process.on(signal, stop);
  const servers = await openServers(uri, names);
  try {
    for (const entry of chosen) await describe(entry, servers);
    for (let round = 1; round <= scale.rounds; round += 1) {
      for (const entry of chosen) await sample(entry, servers, round);
    }
  } finally {
    await servers.close();
    for (const signal of signals) process.off(signal, stop);
  }
  const rows = toPeerRows(chosen);
  console.log(`${formatPeers(rows, chosen)}\n`);
  return { rows, verdicts: judgePeers(rows, chosen) };
}

const toEntry = (contender: Contender, callers: number, lives: number): Entry => ({
  contender,
  callers,
  jobs: Math.max(callers, Math.round((lives * contender.jobsOf10k) / 10_000)),
  version: '',
  durability: '',
  samples: [],
});

/** Learns the versions, or why it is not measured. */
async function describe(entry: Entry, servers: Servers): Promise<void> {
  const { packages, server } = entry.contender;
  const versions = await Promise.all(packages.map(installedVersion));
  const found = servers.find(server);
  if (versions.includes(undefined)) entry.missing = `not installed; ${howToInstall}`;
  else if (typeof found === 'string') entry.missing = found;
  else entry.durability = `${found.version}: ${found.durability}`;
  entry.version = versions[0] ?? '';
}

async function sample(entry: Entry, servers: Servers, round: number): Promise<void> {
  const { contender, callers, jobs } = entry;
  const server = servers.find(contender.server);
  if (entry.missing !== undefined || typeof server === 'string') return;
  try {
    const result = await forkTrial({ contender: contender.id, callers, jobs, server });
    entry.samples.push(result);
    tell(entry, round, result);
  } catch (error) {
    entry.missing = `round ${round} failed: ${String(error)}`;
    console.error(`${contender.row}: ${entry.missing}`);
  }
}

/** The whole takes a quarter of an hour: somebody may look on. */
function tell({ contender, callers }: Entry, round: number, { value }: TrialResult): void {
  console.error(
    `round ${round}: ${contender.row}, ${countCallers(callers)}: ${show(value)} ${contender.unit}`,
  );
}
