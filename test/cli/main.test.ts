import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ProblemError, ServiceUnreachable } from '../../src/client/index.ts';
import { exitCodeOf } from '../../src/cli/exitCode.ts';
import { JobNotFound, StoreUnavailable, VersionMismatch } from '../../src/errors.ts';
import { bundleForChild } from '../support/childProcess.ts';
import { runMain, runProgram, temporaryHome } from './runMain.ts';

const problem = (code: string, status: number): ProblemError =>
  new ProblemError({ code, status, title: code, detail: code });

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string };

describe('the command line', () => {
  it('lists its commands, and hides what is not for people', async () => {
    const { code, stdout, stderr } = await runMain(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/^ {2}[a-z]+/gm)?.map((line) => line.trim())).toEqual([
      ...['dev', 'serve', 'job', 'bulk', 'record', 'dataset', 'worker'],
      ...['pipeline', 'document', 'machine', 'token', 'audit'],
      ...['verify', 'doctor', 'completion', 'help'],
    ]);
  });

  it('tells its version', async () => {
    expect(await runMain(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([[[]], [['nonsense']], [['verify', '--nonsense']], [['token']], [['token', 'king']]])(
    'answers %j with the code of wrong usage, on stderr',
    async (argv) => {
      const { code, stdout, stderr } = await runMain(argv);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).not.toBe('');
    },
  );

  it('tells an error by its code and message, or as JSON', async () => {
    const env = { JOBWRIGHT_HOME: await temporaryHome() };
    const plain = await runMain(['verify'], env);
    expect(plain).toMatchObject({ code: 2, stdout: '' });
    expect(plain.stderr).toMatch(/^INVALID_CONFIGURATION: .*JOBWRIGHT_MONGODB_URI.*\n$/);
    const json = await runMain(['verify', '--json'], env);
    expect(JSON.parse(json.stderr)).toMatchObject({
      code: 'INVALID_CONFIGURATION',
      setting: 'JOBWRIGHT_MONGODB_URI',
    });
  });

  it.each([
    [new JobNotFound('x'), 3],
    [new VersionMismatch(1, 2), 6],
    [new StoreUnavailable('it is away'), 7],
    [new ServiceUnreachable('http://x', 'it is away'), 7],
    [problem('OVERLOADED', 503), 7],
    [problem('INVALID_TRANSITION', 409), 4],
    [problem('MALFORMED_JSON', 400), 2],
    [problem('DOCUMENT_NOT_FOUND', 404), 3],
    [Object.assign(new Error('no such file'), { code: 'ENOENT' }), 3],
    [new Error('something else'), 1],
  ])('ends with the code of %s', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it('is there at once: without a command it loads nothing but itself and commander', () => {
    const packages = new Set<string>();
    const seen = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const statements = readFileSync(file, 'utf8').match(
        /^(im|ex)port (?!type)[^;]*? from '[^']+'/gm,
      );
      for (const statement of statements ?? []) {
        const target = / from '([^']+)'$/.exec(statement)?.[1] ?? '';
        if (target.startsWith('.')) follow(join(dirname(file), target));
        else if (!target.startsWith('node:')) packages.add(target);
      }
    };
    follow(program);
    expect([...packages]).toEqual(['commander']);
  });

  it('runs as a program', async () => {
    const bundle = await bundleForChild(program);
    expect(await runProgram(bundle, ['--version'])).toMatchObject({
      code: 0,
      stdout: `${version}\n`,
    });
    expect(await runProgram(bundle, ['nonsense'])).toMatchObject({ code: 2, stdout: '' });
  });
});
