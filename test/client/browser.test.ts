import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every file that the client loads, types aside, and what it loads of others. */
function loaded(): { files: Map<string, string>; others: Set<string> } {
  const files = new Map<string, string>();
  const others = new Set<string>();
  const follow = (file: string): void => {
    if (files.has(file)) return;
    const text = readFileSync(file, 'utf8');
    files.set(file, text);
    for (const [, target = ''] of text.matchAll(/^(?:im|ex)port (?!type)[^;]*? from '([^']+)'/gm)) {
      if (target.startsWith('.')) follow(join(dirname(file), target));
      else others.add(target);
    }
  };
  follow(join(root, 'src/client/index.ts'));
  return { files, others };
}

describe('the client in a browser', () => {
  const { files, others } = loaded();

  it('loads nothing but itself and the errors', () => {
    expect([...others]).toEqual([]);
    const outside = [...files.keys()]
      .map((file) => relative(root, file))
      .filter((file) => !file.startsWith('src/client/'));
    expect(outside).toEqual(['src/errors.ts']);
  });

  it('knows nothing of Node', () => {
    for (const text of files.values()) {
      expect(text).not.toMatch(/\b(?:Buffer|process\.|require\(|import\(|NodeJS|__dirname)\b/);
    }
  });
});
