import { hash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { countWords, type WordStatistics } from './wordStatistics.ts';

/** A text that is not in the letters it should be in. */
export class UnreadableText extends Error {}

/**
 * The work of the sample pipeline: reads a text, counts its words, and writes into a job's directory
 * `input.json`, what was read, then `statistics.json` and `words.csv`. Rejects with UnreadableText
 * where the text is not in the encoding given.
 */
export async function analyseText(
  path: string,
  directory: string,
  encoding: string = 'utf-8',
): Promise<{ statistics: WordStatistics; files: readonly string[] }> {
  const bytes = await readFile(path);
  await mkdir(directory, { recursive: true });
  const write = (name: string, text: string) => writeFile(join(directory, name), text);
  const input = { text: basename(path), bytes: bytes.length, sha256: hash('sha256', bytes) };
  await write('input.json', toText({ ...input, encoding }));
  const { statistics, counts } = countWords(decode(bytes, encoding));
  await write('statistics.json', toText(statistics));
  const rows = counts.map(({ word, count }) => `${word},${count}`);
  await write('words.csv', `${['word,count', ...rows].join('\n')}\n`);
  return { statistics, files: ['input.json', 'statistics.json', 'words.csv'] };
}

function decode(bytes: Buffer, encoding: string): string {
  const text = new TextDecoder(encoding).decode(bytes);
  const broken = text.indexOf('\uFFFD');
  if (broken < 0) return text;
  const place = Buffer.byteLength(text.slice(0, broken));
  const byte = bytes[place]?.toString(16).toUpperCase();
  throw new UnreadableText(`the text is not ${encoding}: byte 0x${byte} at ${place}`);
}

const toText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
