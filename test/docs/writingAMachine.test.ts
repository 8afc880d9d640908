import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { approval } from '../../docs/examples/approval/approval.ts';
import { mermaid } from '../../src/machine/diagram.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const withoutIndent = (text: string): string => text.replaceAll(/^ +/gm, '');

describe('writingAMachine', async () => {
  const page = await read('docs/writingAMachine.md');
  const snippets = [...page.matchAll(/^<!-- (\S+) -->\n\n```ts\n(.*?)```$/gms)];

  it('has code from the examples and from their tests', () => {
    expect(new Set(snippets.map(([, path]) => path))).toEqual(
      new Set([
        'docs/examples/approval/approval.ts',
        'docs/examples/scan/scan.ts',
        'test/docs/approval.test.ts',
        'test/docs/scan.test.ts',
      ]),
    );
  });

  it.each(snippets.map(([, path = '', code = '']) => ({ path, code })))(
    'cuts from $path: $code',
    async ({ path, code }) => {
      expect(withoutIndent(await read(path))).toContain(withoutIndent(code));
    },
  );

  it('shows the diagram of the example', () => {
    expect(page).toContain(`\`\`\`mermaid\n${mermaid(approval)}\`\`\``);
  });
});
