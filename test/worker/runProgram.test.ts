import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram, type ProgramOptions } from '../../src/worker/runProgram.ts';
import { RunFailed } from '../../src/worker/runFailed.ts';
import { splitCommand } from '../../src/worker/splitCommand.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { claimedJob } from './claimedJob.ts';

const node = JSON.stringify(process.execPath);
const sum = JSON.stringify(fileURLToPath(new URL('../fixtures/computeSum.mjs', import.meta.url)));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobwright-program-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const neverAborted = new AbortController().signal;

const runIt = async (
  options: ProgramOptions,
  input: unknown = null,
  signal: AbortSignal = neverAborted,
) => {
  const tools = { signal, progress: () => undefined, log: () => undefined };
  return (await runProgram(options)(claimedJob({ input }), tools)) ?? {};
};

const script = (text: string): string => `${node} -e ${JSON.stringify(text)}`;

async function failureOf(running: Promise<unknown>): Promise<RunFailed> {
  const error = await running.catch((reason: unknown) => reason);
  if (error instanceof RunFailed) return error;
  throw new Error('it did not fail as a run does');
}

async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
    // One that nobody has asked after yet is as good as gone.
    return !/^State:\s+Z/m.test(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));
  } catch {
    return false;
  }
}

describe('a command line', () => {
  it.each([
    ['./program {input}', ['./program', '{input}']],
    [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
    [`a'b c'd "e\\"f" g\\ h ''`, ['ab cd', 'e"f', 'g h', '']],
    [`a $HOME; b | c > d`, ['a', '$HOME;', 'b', '|', 'c', '>', 'd']],
  ])('%s is taken apart as by a shell, but without one', (command, words) => {
    expect(splitCommand(command)).toEqual(words);
  });

  it.each([[''], ['  '], [`a 'b`], [`"`], ['a\\'], [`''`]])('%j is refused', (command) => {
    expect(() => splitCommand(command)).toThrow(/^Configuration command: /);
  });
});

describe('a program that is run for a job', () => {
  it('gets the input as a word, and gives its last line as the result', async () => {
    const done = await runIt({ command: `${node} ${sum} {input}` }, { key: 'a', numbers: [1, 2] });
    expect(done).toEqual({
      stdout: 'adding 2 numbers\n{"key":"a","sum":3}\n',
      stderr: '',
      result: { key: 'a', sum: 3 },
    });
  });

  it('gets words with quotes and blanks as one, and no shell sees them', async () => {
    const command = `${script('console.log(JSON.stringify({words: process.argv.slice(1)}))')} {input} x{id}-{epoch} {archive} {other}`;
    const input = `$(touch gone) 'a" ; {id}`;
    const done = await runIt({ command, cwd: folder }, input);
    expect(done.result).toEqual({ words: [input, 'xj1-3', '/products/v2/x', '{other}'] });
  });

  it('gets the input on stdin, and who it works for in its environment', async () => {
    const command = script(
      `let t=''; process.stdin.on('data', (d) => t += d).on('end', () => console.log(JSON.stringify({t: JSON.parse(t), id: process.env.JOBWRIGHT_JOB_ID, epoch: process.env.JOBWRIGHT_EPOCH})))`,
    );
    const done = await runIt({ command }, ['ä', 1]);
    expect(done.result).toEqual({ t: ['ä', 1], id: 'j1', epoch: '3' });
  });

  it.each([
    ['a document over several lines', 'console.log(JSON.stringify({a: 1}, null, 2))', { a: 1 }],
    ['no JSON', 'console.log("done")', undefined],
    ['JSON that is no object', 'console.log("[1]")', undefined],
    ['nothing', '', undefined],
  ])('may write %s', async (_what, text, result) => {
    expect((await runIt({ command: script(text) })).result).toEqual(result);
  });

  it('need not read its input, however much that is', async () => {
    const done = await runIt({ command: script('process.stdin.destroy()') }, 'x'.repeat(2_000_000));
    expect(done).toEqual({ stdout: '', stderr: '' });
  });

  it('keeps the head and the tail of too much output, and says what is missing', async () => {
    const command = script(
      `process.stdout.write('a'.repeat(500000)); process.stdout.write('ä'.repeat(500000))`,
    );
    const { stdout = '' } = await runIt({ command, maxOutputBytes: 1_001 });
    expect(stdout).toMatch(/^a{500}\n\[1498999 bytes are missing here\]\nä{250}$/);
  });

  it.each([
    [
      'exit_nonzero',
      script('console.error("no such basis"); process.exit(3)'),
      /^it ended with code 3: no such basis$/,
    ],
    [
      'killed_by_signal',
      script('process.kill(process.pid, "SIGKILL")'),
      /^it was ended by SIGKILL$/,
    ],
    ['not_found', './no/such/program', /could not be started: .*ENOENT/],
    ['not_started', '/', /could not be started: .*EACCES/],
  ])('fails with %s', async (type, command, message) => {
    const failure = await failureOf(runIt({ command }));
    expect([failure.type, failure.message]).toEqual([type, expect.stringMatching(message)]);
  });

  it('is ended with all that it started when its time is over, and keeps what it wrote', async () => {
    const file = join(folder, 'child.mjs');
    const pids = join(folder, 'pids');
    await writeFile(
      file,
      `import { spawn } from 'node:child_process';
       import { writeFileSync } from 'node:fs';
       const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
       writeFileSync(${JSON.stringify(pids)}, child.pid + ' ' + process.pid);
       console.log('begun');
       setInterval(() => {}, 1000);`,
    );
    const failure = await failureOf(runIt({ command: `${node} ${file}`, timeoutMs: 1_500 }));
    expect([failure.type, failure.message]).toEqual(['timeout', 'it ran longer than 1500 ms']);
    expect(failure.stdout).toBe('begun\n');
    for (const pid of (await readFile(pids, 'utf8')).split(' ')) {
      await waitUntil(
        'the end of the group',
        async () => !(await isAlive(Number(pid))) || 'alive',
        5_000,
      );
    }
  });

  it('is ended when its job is taken away', async () => {
    const begun = join(folder, 'begun');
    const taken = new AbortController();
    const command = script(
      `require('fs').writeFileSync(${JSON.stringify(begun)}, String(process.pid)); setInterval(() => {}, 1000)`,
    );
    const running = failureOf(runIt({ command }, null, taken.signal));
    const read = () => readFile(begun, 'utf8').catch(() => '');
    await waitUntil('its begin', async () => (await read()) !== '' || 'not begun', 10_000);
    taken.abort(new Error('it was cancelled'));
    expect((await running).message).toBe('it was cancelled');
    expect(await isAlive(Number(await read()))).toBe(false);
  });

  it('is not waited for once it has ended, even where something of it keeps its output open', async () => {
    const command = script(
      `const c = require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: ['ignore', 'inherit', 'ignore'], detached: true }); c.unref(); console.log(JSON.stringify({ pid: c.pid }))`,
    );
    const { result } = await runIt({ command });
    const { pid } = result as { pid: number };
    process.kill(pid, 'SIGKILL');
    expect(pid).toBeGreaterThan(0);
  });

  it('may be given more time than a timer can measure', async () => {
    const { stdout } = await runIt({ command: script('console.log(1)'), timeoutMs: 2 ** 32 });
    expect(stdout).toBe('1\n');
  });
});
