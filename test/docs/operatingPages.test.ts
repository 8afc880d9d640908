import { describe, expect, it } from 'vitest';
import { blocksOf, read } from './pages.ts';

/** The pages for who runs the service; test/docs/recipes.test.ts runs their requests. */
const own = [
  ...['operating', 'scaling', 'security', 'records', 'workers', 'bulk'],
  ...['agave', 'slurm', 'githubActions', 'cron', 'workers'].map((name) => `recipes/${name}`),
].map((name) => `docs/${name}.md`);

describe('docs/operating.md', () => {
  it('alerts on metrics that there are, with labels that they have', () => {
    const [rules = ''] = blocksOf('docs/operating.md', 'yaml');
    const named = [...rules.matchAll(/\b(jobwright_\w+?)(?:_bucket)?(?:\{(\w+)=|\[|\))/g)];
    const rows = read('docs/metrics.md').split('\n');
    expect(named.length).toBeGreaterThanOrEqual(4);
    for (const [, metric = '', label] of named) {
      const row = rows.find((line) => line.startsWith(`| \`${metric}\` `));
      expect(row, metric).toBeDefined();
      if (label !== undefined) expect(row).toContain(`\`${label}\``);
    }
  });
});

describe('docs/scaling.md', () => {
  it('has no figure that docs/performance.md does not have', () => {
    const [, section = ''] = read('docs/scaling.md').split('## What was measured');
    const items = section.split('\n').filter((line) => line.startsWith('- '));
    const figures = items.flatMap((item) => item.match(/\d[\d,]*\.?\d*(?: ×)?/g) ?? []);
    expect(items.length).toBeGreaterThan(0);
    expect(figures.filter((figure) => !read('docs/performance.md').includes(figure))).toEqual([]);
  });
});

describe('a setting', () => {
  const files = ['config.ts', 'cli/service.ts'].map((name) => read(`src/${name}`)).join('\n');
  const settings = new Set(files.match(/\bJOBWRIGHT_[A-Z_]+\b/g));

  it.each([...own, 'docs/httpApi.md'])('that %s names is one that the code reads', (page) => {
    const named = new Set(read(page).match(/\bJOBWRIGHT_[A-Z_]*[A-Z]\b/g));
    // Of the Slurm recipe's own scripts.
    named.delete('JOBWRIGHT_SPOOL');
    // Given to programs that a worker starts.
    for (const name of ['JOBWRIGHT_JOB_ID', 'JOBWRIGHT_EPOCH']) named.delete(name);
    const unread = [...named].filter((name) => !settings.has(name.replace(/_FILE$/, '')));
    expect(unread).toEqual([]);
  });
});
