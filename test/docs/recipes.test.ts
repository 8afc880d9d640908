import { readFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask } from '../support/serviceClient.ts';
import { blocksOf } from './pages.ts';
import {
  bash,
  commandsOf,
  folder,
  program,
  saveScripts,
  service,
  usesHttp,
  world,
} from './shell.ts';

/** The newest job of a pipeline whose data is this, and the names of its entries. */
async function jobOf(pipeline: string, data: Readonly<Record<string, unknown>>) {
  const job = await world.manager.setup('pipelineJob', { pipeline, data });
  const { entries } = await job.history();
  return { job, names: entries.map(({ name }) => name), entries };
}

describe('docs/operating.md', () => {
  it('has requests that the service answers', async () => {
    const { stdout } = await bash(commandsOf('docs/operating.md'));
    expect(stdout.match(/"status":"ok"/g)).toHaveLength(2);
    expect(stdout).toContain('jobwright_http_requests_total');
  });
});

describe('docs/httpApi.md', () => {
  it('has an example for each group of routes, and each is answered', async () => {
    const blocks = blocksOf('docs/httpApi.md', 'sh').filter(usesHttp);
    const stream = blocks.filter((block) => block.includes('/v1/stream'));
    const { job } = await jobOf('tacobot', { page: 'httpApi' });
    const { origin } = new URL(service.url);
    const callback = `${origin}/v1/callbacks/${job.id}?token=${job.token}`;
    const others = blocks.filter((block) => !stream.includes(block)).join('\n');
    await bash(others, { JOB: job.id, CALLBACK_URL: callback });
    const { names } = await jobOf('tacobot', { page: 'httpApi' });
    expect(names).toEqual(['create', 'run', 'update', 'run', 'reset', 'ready']);
    expect((await jobOf('tacobot', { sample: 'S1' })).job.tags).toEqual(['tuesday']);

    // Whoever follows hangs up after a second.
    expect(stream).toHaveLength(1);
    const follow = bash((stream[0] ?? '').replace('curl ', 'curl --max-time 1 '));
    await expect(follow).rejects.toMatchObject({
      code: 28,
      stdout: expect.stringMatching(/^retry: 1000\nid: \S+\n/) as string,
    });
  });
});

describe('docs/recipes/agave.md', () => {
  it('gives Agave a URL by which the job follows', async () => {
    let request = '';
    const agave = createServer((incoming, outgoing) => {
      incoming.setEncoding('utf8').on('data', (text: string) => (request += text));
      incoming.on('end', () => outgoing.end('{"status":"success"}'));
    });
    await new Promise<void>((resolve) => agave.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void agave.close());
    const { port } = agave.address() as AddressInfo;
    const page = 'docs/recipes/agave.md';
    await bash(commandsOf(page), { AGAVE_URL: `http://127.0.0.1:${port}`, AGAVE_TOKEN: 'a' });

    const { name, notifications } = JSON.parse(request) as {
      name: string;
      notifications: { url: string }[];
    };
    const [{ url = '' } = {}] = notifications;
    const told = ['PENDING', 'RUNNING', 'RUNNING', 'FINISHED', 'CLEANING_UP'];
    const answers = [];
    for (const status of told) {
      const { origin, pathname, search } = new URL(url.replace('${JOB_STATUS}', status));
      const body = { id: '42-007', name, _links: { self: {} }, retries: 0, localId: 3 };
      answers.push((await ask(origin, 'POST', pathname + search, { body })).body);
    }
    expect(answers.map(({ applied, code }) => (applied === true ? 'applied' : code))).toEqual([
      'applied',
      'applied',
      'ALREADY_REPORTED',
      'applied',
      'INVALID_TRANSITION',
    ]);
    const { names, entries } = await jobOf('tacobot', { sample: 'S1' });
    expect(names).toEqual(['create', 'update', 'resource', 'run', 'finish']);
    expect(entries.at(-1)?.data).toMatchObject({ id: '42-007' });
  });
});

describe('docs/recipes/slurm.md', () => {
  const spool = () => join(folder, 'spool');

  /** Runs the page with a Slurm that runs the batch script at once, or kills it. */
  async function submit(id: string, how: string, more: NodeJS.ProcessEnv = {}) {
    await saveScripts('docs/recipes/slurm.md');
    await program('bin/sbatch', how);
    const own = { JOBWRIGHT_SPOOL: spool(), SLURM_JOB_ID: id, ...more };
    await bash(commandsOf('docs/recipes/slurm.md').replaceAll('"S2"', `"${id}"`), own);
    await bash('./epilog.sh', own);
    return jobOf('tacobot', { sample: id });
  }

  it.each([
    ['ends well', '0', ['create', 'run', 'finish']],
    ['fails', '3', ['create', 'run', 'fail']],
  ])('a batch script that %s reports by itself', async (_how, exit, names) => {
    const run = 'bash "${@: -1}" || true';
    const { names: found, entries } = await submit(`7${exit}`, run, { TACOS_EXIT: exit });
    expect(found).toEqual(names);
    expect(entries.at(-1)?.data).toMatchObject({ exitCode: Number(exit) });
    expect(await readdir(spool())).toEqual([]);
  });

  it('the epilog reports for one that was killed', async () => {
    const kill =
      'sed "s#^./countTacos#kill -KILL \\$\\$#" "${@: -1}" > killed.sh\nbash killed.sh || true';
    const { names, entries } = await submit('79', kill);
    expect(names).toEqual(['create', 'run', 'fail']);
    expect(entries.at(-1)?.data).toMatchObject({ status: 'KILLED', by: 'slurm epilog' });
    expect(await readdir(spool())).toEqual([]);
  });

  it('the epilog asks no URL but one of the service', async () => {
    let asked = 0;
    const other = createServer((_incoming, outgoing) => {
      asked += 1;
      outgoing.end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;
    const own = { JOBWRIGHT_SPOOL: spool(), SLURM_JOB_ID: '80' };
    await saveScripts('docs/recipes/slurm.md');
    for (const url of [
      `http://127.0.0.1:${port}/v1/callbacks/x?token=y`,
      `${service.url}@127.0.0.1:${port}/v1/callbacks/x?token=y`,
      `${service.url}/v1/callbacks/x?token=y"\nurl="http://127.0.0.1:${port}/`,
    ]) {
      await writeFile(join(spool(), '80'), url);
      await bash('./epilog.sh', own);
    }
    expect(asked).toBe(0);
    await rm(join(spool(), '80'));
  });
});

describe('docs/recipes/githubActions.md', () => {
  const [workflow = ''] = blocksOf('docs/recipes/githubActions.md', 'yaml');
  /** The commands of the steps, as a runner cuts them out. */
  const steps = [...workflow.matchAll(/^( +)run: \|\n((?:\1 +.*\n|\n)+)/gm)].map(
    ([, , text = '']) => text.replaceAll(/^ {10}/gm, ''),
  );

  it.each([
    ['success', 'finish'],
    ['failure', 'fail'],
    ['cancelled', 'fail'],
  ])('reports %s as %s', async (outcome, event) => {
    const file = join(folder, `env-${outcome}`);
    const run = { GITHUB_RUN_ID: `run-${outcome}`, GITHUB_REPOSITORY: 'ada/tacos' };
    const given = { ...run, GITHUB_SHA: 'abc', GITHUB_ENV: file, OUTCOME: outcome };
    expect(steps).toHaveLength(2);
    const { stdout } = await bash(steps[0] ?? '', given);
    const [, callback = ''] = /^CALLBACK_URL=(.*)$/m.exec(readFileSync(file, 'utf8')) ?? [];
    expect(stdout).toContain(`::add-mask::${callback}`);
    await bash(steps[1] ?? '', { ...given, CALLBACK_URL: callback });
    const data = { repository: 'ada/tacos', run: `run-${outcome}` };
    expect((await jobOf('tacobot', data)).names).toEqual(['create', 'run', event]);
  });
});

describe('docs/recipes/cron.md', () => {
  it('does nothing twice, however often it is started', async () => {
    const own = { HEADER_FILE: join(folder, 'header') };
    await saveScripts('docs/recipes/cron.md');
    // No midnight between one start and the next.
    await program('bin/date', 'echo 2026-11-21');
    await bash(commandsOf('docs/recipes/cron.md'), own);
    await bash('./nightly.sh', own);
    await bash('./nightly.sh', own);
    const { names } = await jobOf('nightly', { day: '2026-11-21' });
    expect(names).toEqual(['create', 'run', 'finish']);
    await expect(bash('./nightly.sh', { ...own, TACOS_EXIT: '1' })).rejects.toMatchObject({
      stderr: expect.stringContaining('422') as string,
    });
  });
});
