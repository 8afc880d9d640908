import type { DatasetInput } from '../../client/datasets.ts';
import { InvalidData } from '../../errors.ts';

/** A priority by name, or its number. Throws InvalidData. */
export function readPriority(text: string | undefined): DatasetInput['priority'] {
  if (text === undefined) return undefined;
  if (text === 'low' || text === 'normal' || text === 'high') return text;
  if (/^\d{1,4}$/.test(text)) return Number(text);
  const message = 'low, normal, high, or a whole number from 0 to 1000';
  throw new InvalidData('--priority', [{ path: '--priority', message }]);
}
