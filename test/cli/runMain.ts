import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { main } from '../../src/cli/main.ts';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, with nothing of its environment but what is given. */
export async function runMain(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const written = { stdout: '', stderr: '' };
  const code = await main(argv, {
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    env,
    signal: new AbortController().signal,
    program: '',
  });
  return { code, ...written };
}

/** Runs a bundled program in a process of its own. */
export const runProgram = (
  program: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> =>
  new Promise((resolve) => {
    const all = { ...process.env, ...env };
    execFile(process.execPath, [program, ...argv], { env: all }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });

const homes: string[] = [];

// Here, not where one is made: within a test no hook can be registered.
afterAll(() => Promise.all(homes.map((home) => rm(home, { recursive: true, force: true }))));

/** A home that goes after the test file. */
export async function temporaryHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-cli-'));
  homes.push(home);
  return home;
}

export const secrets = `k1:${randomBytes(32).toString('base64')}`;
