import { show, type Verdict } from '../figures.ts';
import { shareOfOurs, type Entry, type PeerRow } from './peerRows.ts';

interface Target {
  readonly what: string;
  /** The fastest of these contenders counts. */
  readonly against: readonly string[];
  readonly least: number;
  readonly aim: number;
  readonly isInverse?: boolean;
}

const targets: readonly Target[] = [
  { what: 'life cycles/s against Agenda', against: ['agenda'], least: 20, aim: 40 },
  { what: 'against DBOS', against: ['dbos'], least: 6, aim: 9 },
  {
    what: 'against graphile-worker',
    against: ['graphileWorker', 'graphileWorkerTuned'],
    least: 6,
    aim: 9,
  },
  { what: 'against pg-boss, fetch/complete loop', against: ['pgBossFetch'], least: 2.5, aim: 4 },
  {
    what: 'against BullMQ with appendfsync always',
    against: ['bullmqDurable'],
    least: 0.8,
    aim: 1.2,
  },
  { what: 'against BullMQ without persistence', against: ['bullmqVolatile'], least: 0.6, aim: 1 },
  {
    what: 'entries/s against raw insertMany of 1,000 of the same documents',
    against: ['rawInserts'],
    least: 0.25,
    aim: 0.5,
  },
  {
    what: 'events of a job far apart against the coalesced rate',
    against: ['oursInWaves'],
    least: 0.55,
    aim: 0.8,
    isInverse: true,
  },
];

/** One verdict a target, at 256 callers, and one on what the engine wrote. */
export function judgePeers(rows: readonly PeerRow[], entries: readonly Entry[]): Verdict[] {
  const asked = new Set(entries.map(({ contender }) => contender.id));
  const about = targets.filter(({ against }) => against.some((id) => asked.has(id)));
  return [...about.map((target) => judge(target, rows, entries)), judgeLogs(entries)];
}

function judge(target: Target, rows: readonly PeerRow[], entries: readonly Entry[]): Verdict {
  const { what, against, least, aim, isInverse = false } = target;
  const naming = { bench: 'peers', target: `${what} at least ${least} × (aim ${aim} ×)` };
  const ratios = rows
    .filter(({ contender, callers }) => against.includes(contender) && callers !== 64)
    .map((row) => (isInverse ? shareOfOurs(row, rows) : row.ratio))
    // Without a row of ours there is nothing to compare with.
    .filter((ratio) => ratio > 0);
  if (ratios.length === 0) {
    const why = entries.find(({ contender }) => against.includes(contender.id))?.missing;
    return { ...naming, found: `not measured: ${why ?? 'ours failed'}`, met: false };
  }
  const ratio = Math.min(...ratios);
  const met = ratio >= least;
  return { ...naming, found: `${show(ratio)} ×${ratio >= aim ? ', the aim too' : ''}`, met };
}

function judgeLogs(entries: readonly Entry[]): Verdict {
  const reports = entries.flatMap(({ samples }) =>
    samples.flatMap(({ verified }) => verified ?? []),
  );
  const sum = (pick: (report: (typeof reports)[number]) => number): number =>
    reports.reduce((total, report) => total + pick(report), 0);
  const problems = sum(({ problemCount }) => problemCount);
  return {
    bench: 'peers',
    target: 'verify finds nothing wrong after any sample of ours',
    found: `${show(reports.length)} samples, ${show(sum(({ jobs }) => jobs))} jobs, ${show(sum(({ entries: count }) => count))} entries, ${problems} problems`,
    met: reports.length > 0 && reports.every(({ ok }) => ok),
  };
}
