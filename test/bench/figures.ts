/** One line of the table: what was measured, under which durability, and what came of it. */
export interface Row {
  readonly bench: string;
  readonly row: string;
  readonly unit: string;
  readonly durability: string;
  /** Median of the rounds; lowest and highest of them; all of them in their order. */
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly samples: readonly number[];
  /** Milliseconds a call, over all rounds. */
  readonly p50?: number;
  readonly p99?: number;
  /** Microseconds of processor time a unit: of this process, and of the server. Median of the rounds. */
  readonly clientCpu?: number;
  readonly serverCpu?: number;
}

/** A target, what was found, and whether that meets it. */
export interface Verdict {
  readonly bench: string;
  readonly target: string;
  readonly found: string;
  readonly met: boolean;
}

export interface Report {
  readonly rows: readonly Row[];
  readonly verdicts: readonly Verdict[];
}

/** One round of one row. */
export interface Sample {
  readonly value: number;
  readonly latencies?: readonly number[];
  readonly clientCpu?: number;
  readonly serverCpu?: number;
}

/** A row of its rounds. */
export function toRow(
  naming: Pick<Row, 'bench' | 'row' | 'unit' | 'durability'>,
  rounds: readonly Sample[],
): Row {
  const samples = rounds.map(({ value }) => value);
  const latencies = rounds.flatMap((round) => round.latencies ?? []).sort((a, b) => a - b);
  const clientCpu = rounds.flatMap((round) => round.clientCpu ?? []);
  const serverCpu = rounds.flatMap((round) => round.serverCpu ?? []);
  return {
    ...naming,
    median: median(samples),
    lowest: Math.min(...samples),
    highest: Math.max(...samples),
    samples,
    ...(latencies.length > 0 && { p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99) }),
    ...(clientCpu.length > 0 && { clientCpu: median(clientCpu) }),
    ...(serverCpu.length > 0 && { serverCpu: median(serverCpu) }),
  };
}

export const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** Of sorted values; the nearest rank. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;

/** Each of one over its partner of the same round, then the median: other work disturbs both alike. */
export const medianRatio = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((value, round) => value / (theirs[round] ?? NaN)));

/** Three digits that mean something. */
export function show(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '';
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** The rows as a table for a terminal or Markdown, and the verdicts in words. */
export function formatReport({ rows, verdicts }: Report): string {
  const heads = ['what', 'median', 'range', 'unit', 'p50 / p99 ms', 'CPU µs client + server'];
  const cells = rows.map((row) => [
    `${row.bench}: ${row.row}`,
    show(row.median),
    `${show(row.lowest)}–${show(row.highest)}`,
    row.unit,
    row.p50 === undefined ? '' : `${show(row.p50)} / ${show(row.p99)}`,
    row.clientCpu === undefined ? '' : `${show(row.clientCpu)} + ${show(row.serverCpu)}`,
  ]);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const line = (texts: readonly string[]): string =>
    `| ${texts.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const table = [line(heads), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)];
  const words = verdicts.map(
    ({ bench, target, found, met }) =>
      `${met ? 'MET    ' : 'NOT MET'} ${bench}: ${target}; found ${found}`,
  );
  return [...table, '', ...words].join('\n');
}
