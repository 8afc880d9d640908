import { InvalidData } from '../errors.ts';
import type { Io } from './io.ts';

/**
 * The JSON of an option: the text itself, `@<file>`, or `-` for stdin. Throws InvalidData for what is not
 * JSON; what JSON the service takes is for the service to say.
 */
export async function readData(
  io: Io,
  option: string,
  given: string | undefined,
): Promise<Record<string, unknown> | undefined> {
  if (given === undefined) return undefined;
  if (given === '-') return parseJson(option, await readAll(io));
  if (!given.startsWith('@')) return parseJson(option, given);
  const { readFile } = await import('node:fs/promises');
  return parseJson(option, await readFile(given.slice(1), 'utf8'));
}

/** Parses what an option holds. */
export function parseJson(option: string, text: string): Record<string, unknown> {
  try {
    // The service refuses what is no object, and says so.
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    const message = error instanceof Error ? error.message : 'it is not JSON';
    throw new InvalidData(option, [{ path: option, message }]);
  }
}

async function readAll({ stdin }: Io): Promise<string> {
  let text = '';
  stdin?.setEncoding('utf8');
  for await (const chunk of stdin ?? []) text += chunk.toString();
  return text;
}
