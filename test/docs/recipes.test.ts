import { readFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ask } from '../support/serviceClient.ts';
import { bundleForChild } from '../support/childProcess.ts';
import { blocksOf, pathOf, read } from './pages.ts';
import {
  bash,
  commandsOf,
  folder,
  isScript,
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

/** The record with this input, as the pages set it up. */
async function recordOf(data: Readonly<Record<string, unknown>>) {
  const record = await world.manager.setup('record', { data });
  return { record, attempts: await world.manager.attempts(record.id) };
}

describe('docs/recipes/workers.md', () => {
  it('does real records with a real program, and tries again what failed', async () => {
    const page = 'docs/recipes/workers.md';
    await saveScripts(page);
    const commands = blocksOf(page, 'sh').filter((block) => !isScript(block));
    const { stdout } = await bash(commands.join('\n'));
    expect(stdout).toContain('-1 has no real root');
    expect(stdout).toMatch(/"reason":"(no_active_workers|programs_missing)"/);

    const { record, attempts } = await recordOf({ programs: ['root'], input: 4 });
    expect(record.state).toBe('complete');
    expect(attempts).toMatchObject([{ outcome: 'complete' }]);
    const { id } = record;
    expect(await world.manager.output(id, { name: 'result' })).toEqual({ root: 2 });
    expect(await world.manager.output(id, { name: 'stdout' })).toMatch(/^the root of 4\n/);
    const failed = await recordOf({ programs: ['root'], input: -1 });
    expect(failed.record.state).toBe('cancelled');
    const { entries } = await failed.record.history();
    expect(entries.map(({ name }) => name)).toEqual(['create', 'claim', 'fail', 'reset', 'cancel']);
    expect(entries[3]?.data).toMatchObject({ reason: 'rootOf is mended' });
  });
});

describe('README.md', () => {
  it('has records that a program does, and what failed is reset', async () => {
    await saveScripts('docs/recipes/workers.md');
    await program('bin/npx', 'shift\nexec jobwright "$@"');
    const [, section = ''] = read('README.md').split(
      '\n## Many computations: records and workers\n',
    );
    const [, block = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(section) ?? [];
    await bash(block);
    const states = [16, 25, -4].map(async (input) => {
      const { record } = await recordOf({ programs: ['root'], input });
      return [record.state, record.version];
    });
    expect(await Promise.all(states)).toEqual([
      ['complete', 3],
      ['complete', 3],
      ['waiting', 4],
    ]);
  });
});

describe('docs/bulk.md', () => {
  it('has requests that are taken', async () => {
    const [command = ''] = blocksOf('docs/bulk.md', 'sh');
    await bash(command.replace('bulk run', 'bulk plan'));
    const [block = ''] = blocksOf('docs/bulk.md', 'http');
    const [, path = '', text = ''] = /^POST (\S+)\n([\s\S]*)$/.exec(block) ?? [];
    const body = JSON.parse(text) as object;
    const told = await ask(service.url, 'POST', path, { token: world.operator, body });
    expect(told.body['counts']).toMatchObject({ requested: 2, unchanged: 1, refused: 1 });
  });
});

describe('docs/retries.md', () => {
  it('has a policy that is taken', async () => {
    const [json = ''] = blocksOf('docs/retries.md', 'json');
    const data = JSON.parse(json) as Record<string, unknown>;
    expect((await recordOf(data)).record.context).toMatchObject({ retries: data['retries'] });
  });
});

describe('docs/records.md', () => {
  it('has commands for parents, children and datasets that do what it says', async () => {
    await program('square', 'test "$1" != \'{"n":8}\' && echo "{\\"square\\": 1}"');
    const blocks = blocksOf('docs/records.md', 'sh');
    const [family = '', ...others] = blocks;
    const [json = ''] = blocksOf('docs/records.md', 'json');
    const example = await recordOf(JSON.parse(json) as Record<string, unknown>);
    expect(example.record.context).toMatchObject({ tag: 'small', priority: 750 });
    const work = `jobwright worker run --exec './square {input}' --programs square --once`;
    await bash([family, work, ...others].join('\n'));

    const parent = await recordOf({ name: 'scan 7', awaits: 'children' });
    const { children } = await world.manager.children(parent.record.id);
    expect(children.map(({ state }) => state).sort()).toEqual(['complete', 'waiting']);
    const { entries } = await parent.record.history();
    const names = entries.map(({ name }) => name).filter((name) => name !== 'start');
    expect(names).toEqual(['create', 'settle', 'reset']);

    const { items } = await world.manager.datasets.items('atoms');
    expect(items.map(({ entry, specification }) => [entry, specification])).toEqual([
      ['neon', 'hf'],
      ['water', 'hf'],
    ]);
    const [neon] = await world.manager.jobs([items[0]?.job ?? '']);
    expect(neon?.data).toMatchObject({ input: { method: 'hf', molecule: 'Ne 0 0 0' } });
    expect(neon?.context).toMatchObject({ tag: 'small', priority: 750 });
  });
});

describe('docs/workers.md', () => {
  it('has a worker by the client that does what comes', async () => {
    const input = { n: 12 };
    const data = { programs: ['square'], input, tag: 'small' };
    const { id } = await world.manager.setup('record', { data });
    const script = await bundleForChild(pathOf('docs/examples/worker.ts'));
    const token = '$(jobwright token worker --subject cluster-a)';
    const { stdout } = await bash(`JOBWRIGHT_TOKEN=${token} node '${script}'`);
    expect(stdout).toContain('complete: now complete');
    expect(await world.manager.output(id, { name: 'result' })).toEqual({ square: 144 });
    expect(await world.manager.output(id, { name: 'stdout' })).toBe('squared 12');
  });

  it('has a command that goes on until it is interrupted, and then ends well', async () => {
    const [command = ''] = blocksOf('docs/workers.md', 'sh');
    const { id } = await world.manager.setup('record', {
      data: { programs: ['square'], input: { n: 5 } },
    });
    const background = command.replace(/^(jobwright worker run .*)$/m, 'exec $1');
    const isDone = `jobwright record show ${id} --json | jq -e '.state == "complete"'`;
    const ended = `(${background}) & worker=$!
for _ in {1..60}; do ${isDone} > /dev/null && break; done
kill -TERM $worker; wait $worker; ${isDone}`;
    await expect(bash(ended)).resolves.toBeDefined();
  });
});
