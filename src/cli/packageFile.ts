import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The path of a file that comes with the package, wherever this program file lies in it. */
export const packageFile = (...path: string[]): string => join(findRoot(), ...path);

/** The package's version. */
export const packageVersion = (): string => readPackage(findRoot())?.version ?? 'unknown';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (readPackage(folder)?.name !== 'jobwright') {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('this program file lies outside its package');
    folder = parent;
  }
  return folder;
}

function readPackage(folder: string): { name?: string; version?: string } | undefined {
  const path = join(folder, 'package.json');
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as { name?: string; version?: string })
    : undefined;
}
