import { medianRatio, quantile, show, toRow, type Row } from '../figures.ts';
import type { Contender, TrialResult } from './contender.ts';

/** A contender at a number of callers, and what was found. */
export interface Entry {
  readonly contender: Contender;
  readonly callers: number;
  readonly jobs: number;
  version: string;
  durability: string;
  readonly samples: TrialResult[];
  /** Why it is not measured. */
  missing?: string;
}

export interface PeerRow extends Row {
  readonly contender: string;
  readonly callers: number;
  /** Of each sample. */
  readonly jobs: number;
  /** What is counted, and how it is set up. */
  readonly setting: string;
  /** Our rate over this one, of the same round: the median. */
  readonly ratio: number;
  /** Its processor time of both sides over ours, of the same round: the median. Less noisy than rates. */
  readonly cpuRatio: number;
  /** Milliseconds of a whole life, over all rounds. */
  readonly endToEnd?: { readonly p50: number; readonly p99: number };
}

const entriesALife = 3;

/** The measured rows, each compared with ours of the same rounds at as many callers, or at 256. */
export function toPeerRows(entries: readonly Entry[]): PeerRow[] {
  const measured = entries.filter(({ missing }) => missing === undefined);
  return measured.map((entry) => {
    const { contender, callers, jobs, samples } = entry;
    const lives = samples.flatMap(({ endToEnd }) => endToEnd).sort((a, b) => a - b);
    return {
      ...toCommonRow(entry),
      contender: contender.id,
      callers,
      jobs,
      setting: contender.setting,
      ...compare(entry, oursBeside(measured, callers)),
      ...(lives.length > 0 && {
        endToEnd: { p50: quantile(lives, 0.5), p99: quantile(lives, 0.99) },
      }),
    };
  });
}

export const countCallers = (callers: number): string =>
  callers === 1 ? '1 caller' : `${callers} callers`;

function toCommonRow({ contender, callers, jobs, samples, version, durability }: Entry): Row {
  const named = version === '' ? contender.row : `${contender.row} (${version})`;
  const row = `${named}, ${countCallers(callers)}, ${show(jobs)} jobs`;
  return toRow(
    { bench: 'peers', row, unit: contender.unit, durability },
    samples.map(({ value, latencies, clientCpu, serverCpu }) => ({
      value,
      latencies,
      clientCpu,
      // Not told on every system.
      ...(Number.isFinite(serverCpu) && { serverCpu }),
    })),
  );
}

function compare(
  { contender, samples }: Entry,
  ours: readonly TrialResult[],
): Pick<PeerRow, 'ratio' | 'cpuRatio'> {
  const factor = contender.unit === 'entries/s' ? entriesALife : 1;
  const rate = ({ value }: TrialResult): number => value;
  const cpu = ({ clientCpu, serverCpu }: TrialResult): number => clientCpu + serverCpu;
  const scaled = (values: readonly number[]): number[] => values.map((value) => value * factor);
  return {
    ratio: ratioOf(scaled(ours.map(rate)), samples.map(rate)),
    cpuRatio: ratioOf(scaled(samples.map(cpu)), ours.map(cpu)),
  };
}

/** Zero where there is nothing to compare: it goes through JSON, other than NaN. */
function ratioOf(ours: readonly number[], theirs: readonly number[]): number {
  const ratio = medianRatio(ours, theirs);
  return Number.isFinite(ratio) ? ratio : 0;
}

function oursBeside(entries: readonly Entry[], callers: number): readonly TrialResult[] {
  const ours = entries.filter(({ contender }) => contender.id === 'ours');
  const beside = ours.find((entry) => entry.callers === callers);
  return (beside ?? ours.find((entry) => entry.callers === 256))?.samples ?? [];
}

/** What the common table has no column for; then, once for each contender, what its rows mean. */
export function formatPeers(rows: readonly PeerRow[], entries: readonly Entry[]): string {
  const lines = rows.map(({ row, ratio, cpuRatio, endToEnd }) => {
    const whole = endToEnd ? `${show(endToEnd.p50)} / ${show(endToEnd.p99)}` : '';
    return `| ${[row, show(ratio), show(cpuRatio), whole].join(' | ')} |`;
  });
  const meanings = new Set(
    entries.map(({ contender, durability, missing }) =>
      missing === undefined
        ? `- ${contender.row}: ${contender.setting} (${durability})`
        : `- ${contender.row}: not measured: ${missing}`,
    ),
  );
  return [
    '| what | ours ÷ it, rate | it ÷ ours, CPU | whole life p50 / p99 ms |',
    '| --- | --- | --- | --- |',
    ...lines,
    '',
    ...meanings,
  ].join('\n');
}

/** The other way round, where it is ours that is put in relation: the median of the rounds' ratios. */
export function shareOfOurs(row: PeerRow, rows: readonly PeerRow[]): number {
  const ours = rows.find(
    ({ contender, callers }) => contender === 'ours' && callers === row.callers,
  );
  return ratioOf(row.samples, ours?.samples ?? []);
}
