import { styleText } from 'node:util';
import type { Io } from '../io.ts';
import { table } from '../table.ts';

type Colour = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** Writes sections, lines and tables; in colour on a terminal, unless NO_COLOR says otherwise. */
export interface Printer {
  /** A heading, with a blank line in front of it. */
  section(title: string): void;
  line(text?: string): void;
  rows(rows: readonly (readonly string[])[]): void;
  paint(colour: Colour, text: string): string;
  /** A state in the colour of what it means. */
  state(name: string): string;
}

export function createPrinter({ stdout, env }: Pick<Io, 'stdout' | 'env'>): Printer {
  const isColoured = stdout.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const paint = (colour: Colour, text: string): string =>
    isColoured ? styleText(colour, text) : text;
  const line = (text = ''): void => void stdout.write(text === '' ? '\n' : `  ${text}\n`);
  let sections = 0;
  return {
    section: (title) => {
      sections += 1;
      stdout.write(`\n${paint('bold', `${sections}  ${title}`)}\n`);
    },
    line,
    rows: (rows) => table(rows).forEach(line),
    paint,
    state: (name) => paint(stateColours.get(name) ?? 'cyan', name),
  };
}

const stateColours: ReadonlyMap<string, Colour> = new Map([
  ['FINISHED', 'green'],
  ['FAILED', 'red'],
  ['RESET', 'yellow'],
]);
