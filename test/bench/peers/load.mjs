// The peers' packages, resolved from here: this directory has a node_modules of its own. No TypeScript
// lies here, as it would find the types of those packages instead of the product's.
import { readFile } from 'node:fs/promises';

export const load = (name) => import(name);

/** Read as a file: a package's `exports` may not name its package.json. */
export const versionOf = async (name) => {
  const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(await readFile(file, 'utf8')).version;
};
