import { InvalidArgumentError } from 'commander';

/** A whole number as the value of an option; anything else is wrong usage. */
export function readWhole(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number.');
}
