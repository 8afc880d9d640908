import { createPrinter } from './dev/printer.ts';
import type { Io } from './io.ts';
import { showJson, showText } from './showText.ts';
import { table } from './table.ts';

/** How a command shows its data to a person. */
export interface View {
  /** Rows with aligned columns under a heading; every cell is made safe to show. */
  table(heading: readonly string[], rows: readonly (readonly string[])[]): void;
  /** Names and values, one a line. */
  pairs(pairs: readonly (readonly [name: string, value: string])[]): void;
  line(text: string): void;
}

/** Prints data: as a person reads it on a terminal, else as one line of JSON. */
export function print(
  io: Io,
  { json }: { readonly json?: boolean },
  value: unknown,
  show: (view: View) => void,
): void {
  if (json || io.stdout.isTTY !== true) io.stdout.write(`${showJson(value)}\n`);
  else show(createView(io));
}

export function createView(io: Io): View {
  const printer = createPrinter(io);
  const write = (line: string): void => void io.stdout.write(`${line}\n`);
  return {
    table(heading, rows) {
      const stateColumn = heading.indexOf('state');
      const cells = rows.map((row) =>
        row.map((cell, column) => {
          const safe = showText(cell, 100);
          return column === stateColumn ? printer.state(safe) : safe;
        }),
      );
      table([heading.map((name) => printer.paint('bold', name)), ...cells]).forEach(write);
    },
    pairs(pairs) {
      const rows = pairs.map(([name, value]) => {
        const safe = showText(value);
        return [printer.paint('bold', name), name === 'state' ? printer.state(safe) : safe];
      });
      table(rows).forEach(write);
    },
    line: (text) => write(showText(text)),
  };
}
