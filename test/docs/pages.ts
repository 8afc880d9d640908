import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The absolute path of a file of the project. */
export const pathOf = (file: string): string =>
  fileURLToPath(new URL(`../../${file}`, import.meta.url));

export const read = (file: string): string => readFileSync(pathOf(file), 'utf8');

/** The pages for users, whose every claim in code is checked. */
export const pages: readonly string[] = [
  'README.md',
  ...[
    'gettingStarted',
    'lifeCycle',
    'tokens',
    'linkedDocuments',
    'records',
    'workers',
    'bulk',
    'retries',
    'comingFromQCFractal',
    'guarantees',
    'errors',
    'glossary',
    'httpApi',
    'cli',
    'metrics',
    'operating',
    'scaling',
    'security',
    'recipes/agave',
    'recipes/slurm',
    'recipes/githubActions',
    'recipes/cron',
    'recipes/workers',
  ].map((name) => `docs/${name}.md`),
];

/** The fenced blocks of a page in one language. */
export const blocksOf = (page: string, language: string): string[] =>
  [...read(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, found, text = '']) =>
    found === language ? [text] : [],
  );

/** The rows of all tables under a heading of a page, cell by cell, without the heads and rules. */
export function tableUnder(page: string, heading: string): string[][] {
  const [, section = ''] = read(page).split(`\n${heading}\n`);
  const [own = ''] = section.split(/\n##? /);
  const rows = own
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return rows.slice(rows.findIndex((cells) => cells.every((cell) => /^-+$/.test(cell))) + 1);
}

/** What stands in backticks in a text. */
export const codeIn = (text: string): string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
