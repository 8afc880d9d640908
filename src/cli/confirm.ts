import { createInterface } from 'node:readline';
import type { Io } from './io.ts';

/** Whether there is a person to ask. */
export const canAsk = ({ stdin }: Io): boolean => stdin?.isTTY === true;

/** Asks on the terminal; only a clear yes is one. The end of the input and an interruption are a no. */
export async function confirm({ stdin, stderr, signal }: Io, question: string): Promise<boolean> {
  if (!stdin) return false;
  stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input: stdin, terminal: false, signal });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    stderr.write('\n');
    return false;
  } finally {
    lines.close();
  }
}
