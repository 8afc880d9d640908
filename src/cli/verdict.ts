import type { VerifyReport } from '../jobs/verifyReport.ts';
import { table } from './table.ts';

/** So many problems are shown; the JSON report lists more. */
const shown = 50;

/** A report of verify for a person: one line where all is well. An exported log has nothing but the log. */
export function verdictLines(report: VerifyReport, source: 'database' | 'export'): string[] {
  const { ok, problems, problemCount, parked, parkedCount, unknownMachines } = report;
  const { jobs, tombstones, entries } = report;
  const counted = `${count(jobs, 'job')}, ${count(tombstones, 'deleted job')}, ${count(entries, 'entry', 'entries')}`;
  const verdict = ok
    ? `ok: ${counted}; ${held[source]}`
    : `NOT OK: ${count(problemCount, 'problem')} in ${counted}`;
  const rows = problems
    .slice(0, shown)
    .map(({ job, seq, check, message }) => [
      job,
      seq === undefined ? '' : `#${seq}`,
      check,
      message,
    ]);
  const waiting = parked
    .slice(0, shown)
    .map(({ job, seq, effect, error }) => [job, `#${seq}`, `${effect} is parked`, error]);
  return [
    ...table(rows).map(indent),
    ...more(problemCount, 'problem'),
    ...table(waiting).map(indent),
    ...more(parkedCount, 'parked effect'),
    ...(unknownMachines.length > 0
      ? [`not replayed, as their machine is not known here: ${unknownMachines.join(', ')}`]
      : []),
    verdict,
  ];
}

const held = {
  database:
    'sequence, hashes and replay hold; stored jobs, links, effects and counts follow from them',
  export: 'sequence, hashes and replay hold',
} as const;

const more = (found: number, what: string): string[] =>
  found > shown ? [`  … and ${count(found - shown, what)} more`] : [];

const indent = (line: string): string => `  ${line}`;

const count = (number: number, one: string, several = `${one}s`): string =>
  `${number} ${number === 1 ? one : several}`;
