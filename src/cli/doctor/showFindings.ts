import { createPrinter } from '../dev/printer.ts';
import type { Io } from '../io.ts';
import { showText } from '../showText.ts';
import { table } from '../table.ts';
import type { Finding } from './finding.ts';

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

/** One line a finding, and below it what to do. */
export function showFindings(io: Io, findings: readonly Finding[]): void {
  const printer = createPrinter(io);
  const lines = table(
    findings.map(({ check, status, detail }) => [
      printer.paint(colours[status], status),
      check,
      showText(detail),
    ]),
  );
  for (const [index, line] of lines.entries()) {
    const action = findings[index]?.action;
    io.stdout.write(`${line}\n${action === undefined ? '' : `         → ${showText(action)}\n`}`);
  }
}
