import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleForChild } from '../support/childProcess.ts';
import { testDatabase } from '../support/database.ts';
import { blocksOf, pages, pathOf, read } from './pages.ts';

/** In the order in which a reader of the first page runs them: they share a database and a home. */
const examples = [
  'firstJob',
  'deferredUpdate',
  'resetAndDelete',
  'manyJobs',
  'records',
  'linkedDocuments',
  'limitedToken',
  'repeatRequest',
];

const { uri, database } = testDatabase();
let home = '';
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'jobwright-docs-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

const secrets = `k1:${randomBytes(32).toString('base64')}`;

/** Runs an example as a reader does: a Node process of its own, set up by its environment. */
async function run(example: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const script = await bundleForChild(pathOf(`docs/examples/${example}.ts`));
  const settings = {
    JOBWRIGHT_MONGODB_URI: uri,
    JOBWRIGHT_DATABASE: database,
    JOBWRIGHT_SECRETS: secrets,
    JOBWRIGHT_HOME: home,
    JOBWRIGHT_LOG_LEVEL: 'warn',
  };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], {
    env: { ...process.env, ...settings, ...env },
  });
  expect(stderr, `${example} has nothing to complain of`).toBe('');
  return stdout;
}

/** What the pages say that an example prints. */
const printed = new Map(
  pages
    .flatMap((page) => blocksOf(page, 'text'))
    .flatMap((block) => {
      const [, name, lines] = /^\$ node (\w+)\.mjs\n([\s\S]*)$/.exec(block) ?? [];
      return name !== undefined && lines !== undefined ? [[name, lines] as const] : [];
    }),
);

describe('an example', () => {
  it('is run here if it is in docs/examples', () => {
    const files = readdirSync(pathOf('docs/examples')).filter((name) => name.endsWith('.ts'));
    // They need a running service; see readme.test.ts and recipes.test.ts.
    const elsewhere = ['client', 'worker'];
    expect(files.sort()).toEqual([...examples, ...elsewhere].map((name) => `${name}.ts`).sort());
  });

  let credentials: NodeJS.ProcessEnv = {};
  it.each(examples)('%s prints what its page says', async (example) => {
    const output = await run(example, credentials);
    const [, job, token = ''] = /^JOB=(\S+) TOKEN=(\S+) /m.exec(output) ?? [];
    // The one thing that differs from run to run.
    expect(token === '' ? output : output.replace(token, '…')).toBe(printed.get(example));
    if (job !== undefined) credentials = { JOB: job, TOKEN: token };
  });

  it('fails the second time as the first page says', async () => {
    await run('firstJob');
    const [refusal = 'no such block'] = blocksOf('docs/gettingStarted.md', '');
    await expect(run('firstJob')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(refusal.trim()) as string,
    });
  });
});

describe('a block of code', () => {
  const squeeze = (text: string): string => text.replaceAll(/\s+/g, '');
  const blocks = pages.flatMap((page) =>
    blocksOf(page, 'ts').map((block) => ({ page, block, first: block.split('\n')[0] ?? '' })),
  );

  it.each(blocks)('of $page is part of its example: $first', ({ block, first }) => {
    const [, file] = /^\/\/ (docs\/examples\/\S+\.ts)$/.exec(first) ?? [];
    expect(file, 'a block names its example in its first line').toBeDefined();
    expect(squeeze(read(file ?? ''))).toContain(squeeze(block.slice(first.length)));
  });
});
