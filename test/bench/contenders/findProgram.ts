import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where packages put programs that are not on PATH; a `*` stands for a version. */
const wellKnown: readonly string[] = [
  '/usr/bin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/usr/lib/postgresql/*/bin',
  '/usr/local/pgsql/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
];

/** The path of a program, on PATH or in a well-known place, the newest version first. */
export function findProgram(name: string): string | undefined {
  const places = [...(process.env['PATH'] ?? '').split(delimiter), ...wellKnown.flatMap(expand)];
  return places
    .filter((place) => place !== '')
    .map((place) => join(place, name))
    .find(isProgram);
}

function expand(place: string): string[] {
  const [before = '', after] = place.split('*');
  if (after === undefined) return [place];
  const cut = before.lastIndexOf('/') + 1;
  const [parent, start] = [before.slice(0, cut), before.slice(cut)];
  return list(parent)
    .filter((name) => name.startsWith(start))
    .sort((a, b) => Number(b.slice(start.length)) - Number(a.slice(start.length)))
    .map((name) => join(parent, `${name}${after}`));
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not for us: both mean that it is no program to use.
    return false;
  }
}
