import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { mermaid } from '../../src/machine/diagram.ts';
import { pipelineJob } from '../../machines/index.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { bundleForChild } from '../support/childProcess.ts';
import { testDatabase } from '../support/database.ts';
import { runProgram, secrets, temporaryHome, type Ended } from './runMain.ts';

const entry = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const texts = fileURLToPath(new URL('../../docs/examples/data/', import.meta.url));

describe('dev', () => {
  const { uri, database } = testDatabase();
  let program: string;
  let env: Record<string, string>;
  let first: Ended;
  let second: Ended;

  beforeAll(async () => {
    program = await bundleForChild(entry);
    env = {
      JOBWRIGHT_SECRETS: secrets,
      JOBWRIGHT_MONGODB_URI: uri,
      JOBWRIGHT_DATABASE: database,
      JOBWRIGHT_HOME: await temporaryHome(),
    };
    first = await runProgram(program, ['dev', '--once'], env);
    second = await runProgram(program, ['dev'], env);
  });

  const open = () =>
    JobManager.open({
      mongodb: uri,
      database,
      secrets,
      home: env['JOBWRIGHT_HOME'],
      logLevel: 'silent',
    });

  it('ends well and quietly, the second time on the jobs of the first', () => {
    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
    expect({ code: second.code, stderr: second.stderr }).toEqual({ code: 0, stderr: '' });
    expect(first.stdout.match(/CREATED {2}created/g)).toHaveLength(6);
    expect(second.stdout.match(/CREATED {2}attached, reset after entry \d/g)).toHaveLength(5);
  });

  it('prints what a person can take in: sections, in no more than 120 lines, plain where no terminal is', () => {
    for (const { stdout } of [first, second]) {
      expect(stdout.split('\n').length).toBeLessThanOrEqual(120);
      expect(Math.max(...diagramless(stdout).map((line) => line.length))).toBeLessThanOrEqual(130);
      expect(stdout).not.toContain('\u001B');
      expect(stdout.match(/^\d {2}\S.*$/gm)).toHaveLength(8);
      // No secret, and no token.
      expect(stdout).not.toMatch(/eyJ|k1:/);
    }
  });

  it('ends with the machine and the verdict', () => {
    const lines = first.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
    const start = lines.indexOf('stateDiagram-v2');
    const diagram = mermaid(pipelineJob)
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
    expect(lines.slice(start, start + diagram.length)).toEqual(diagram);
    expect(lines.at(-1)).toMatch(/^ok: 5 jobs, 1 deleted job, 29 entries; /);
  });

  it('shows the whole history of each job that is left', () => {
    const histories = first.stdout.split('The histories')[1]?.split('The machine')[0] ?? '';
    const events = histories
      .split(/^ {2}\S+ {2}[0-9a-f-]{36}/m)
      .slice(1)
      .map((history) =>
        [...history.matchAll(/^ {3,}(\d+) {2}(\w+)/gm)].map(([, seq, name]) => `${seq} ${name}`),
      );
    const usual = ['1 create', '2 run', '3 update', '4 finish'];
    const resumed = ['3 fail', '4 reset', '5 ready', '6 run', '7 update', '8 finish'];
    expect(events).toEqual([usual, usual, usual, usual, ['1 create', '2 run', ...resumed]]);
    expect(histories.match(/job, by its token/g)).toHaveLength(6);
  });

  it('leaves finished jobs with their results, and the results are right', async () => {
    const manager = await open();
    const { jobs } = await manager.list({ pipeline: 'word-count' });
    const archived = jobs.map(({ archivePath }) => manager.engine.archive.resolve(archivePath));
    const { ok } = await manager.verify();
    await manager.close();
    expect(ok).toBe(true);
    expect(jobs.map(({ state }) => state)).toEqual(jobs.map(() => 'FINISHED'));
    expect(jobs).toHaveLength(5);
    for (const [index, { links }] of jobs.entries()) {
      const directory = archived[index] ?? '';
      const [name = ''] = links.acted_on;
      expect(links).toMatchObject({ child_of: ['field-season'], acted_using: ['stop-words-en'] });
      expect((await readdir(directory)).sort()).toEqual([
        'input.json',
        'statistics.json',
        'words.csv',
      ]);
      const csv = await readFile(join(directory, 'words.csv'), 'utf8');
      const counted = csv
        .trim()
        .split('\n')
        .slice(1)
        .map((row) => Number(row.split(',')[1]));
      const { words, different } = JSON.parse(
        await readFile(join(directory, 'statistics.json'), 'utf8'),
      ) as { words: number; different: number };
      const text = await readFile(join(texts, `${name}.txt`), 'latin1');
      const runs = text.split(/[^\p{L}']+/u).filter((run) => /\p{L}/u.test(run));
      expect({ words, different }).toEqual({
        words: counted.reduce((sum, count) => sum + count, 0),
        different: counted.length,
      });
      expect(words).toBe(runs.length);
    }
  });

  it('leaves no link to the job that it deleted', async () => {
    const manager = await open();
    const season = await manager.documents.get('experiments', 'field-season');
    const report = await manager.documents.get('measurements', 'river-nitrate');
    const { jobs } = await manager.list({ pipeline: 'word-count' });
    await manager.close();
    expect([...((season?.['connects_to'] ?? []) as string[])].sort()).toEqual(
      jobs.map(({ id }) => id).sort(),
    );
    expect(report).toMatchObject({ generated_by: [], derived_from: ['river-nitrate'] });
  });

  it('ends at an interruption', async () => {
    const child = spawn(process.execPath, [program, 'dev'], { env: { ...process.env, ...env } });
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    child.stdout.resume();
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code).toBe(130);
    expect(await runProgram(program, ['dev', '--once'], env)).toMatchObject({ code: 0 });
  });

  it('keeps one text in letters of another time, so that its job fails', async () => {
    const bytes = await readFile(join(texts, 'moth-trap.txt'));
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow();
    for (const name of await readdir(texts))
      expect((await readFile(join(texts, name))).length).toBeGreaterThan(2_000);
  });
});

const diagramless = (text: string): string[] =>
  text.split('\n').filter((line) => !line.includes('-->'));
