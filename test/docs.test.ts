import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { generatedDocs } from '../docs/generated.ts';

const update = process.env['UPDATE_DOCS'] === '1';
const fileOf = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

describe('a document made from the code', () => {
  it.each(Object.entries(generatedDocs()))('%s is as the code makes it', async (path, text) => {
    if (update) await writeFile(fileOf(path), text);
    const committed = await readFile(fileOf(path), 'utf8').catch(() => '(there is no such file)');
    expect(committed, `${path} is out of date; make it anew with: npm run docs`).toBe(text);
  });
});
