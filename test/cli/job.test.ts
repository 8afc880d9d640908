import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMain } from './runMain.ts';
import { runningService, runOnTerminal } from './runningService.ts';

type Running = Awaited<ReturnType<typeof runningService>>;

describe('the commands that ask the service', () => {
  let service: Running;
  beforeAll(async () => {
    service = await runningService();
    await service.manager.pipelines.put('count');
  });
  afterAll(() => service.stop());

  let jobs = 0;
  const create = async (): Promise<string> => {
    jobs += 1;
    const job = await service.manager.setup('pipelineJob', { pipeline: 'count', data: { jobs } });
    return job.id;
  };
  const run = (...argv: string[]) => runMain(argv, service.env);
  const runJson = async <T>(...argv: string[]): Promise<T> => {
    const { code, stdout, stderr } = await run(...argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as T;
  };
  const onTerminal = (typed: string, ...argv: string[]) =>
    runOnTerminal(argv, { env: service.env, typed });

  it('create, send, history and show a job', async () => {
    const file = join(service.home, 'input.json');
    await writeFile(file, '{"text": "a b"}');
    const options = ['--pipeline', 'count', '--data', `@${file}`, '--tag', 'a', '--tag', 'b'];
    const created = await runJson<{ job: { id: string; tags: string[] }; callbackUrl: string }>(
      ...['job', 'create', ...options],
    );
    const { id, tags } = created.job;
    expect(tags).toEqual(['a', 'b']);
    expect(created.callbackUrl).toContain(`/v1/callbacks/${id}?token=`);
    const sent = await runJson<{ entries: { name: string; data: unknown }[] }>(
      ...['job', 'send', id, 'run', '--then', 'update:{"page": 1}', '--then', 'finish'],
    );
    expect(sent.entries.map(({ name, data }) => [name, data])).toEqual([
      ['run', null],
      ['update', { page: 1 }],
      ['finish', null],
    ]);
    const history = await runJson<{ entries: unknown[]; next: number }>(
      ...['job', 'history', id, '--after', '1', '--limit', '2'],
    );
    expect(history).toMatchObject({ entries: [{ name: 'run' }, { name: 'update' }], next: 3 });
    expect(await runJson('job', 'show', id)).toMatchObject({ id, state: 'FINISHED', version: 4 });
    const all = await runJson<{ entries: unknown[] }>('job', 'history', id, '--all');
    expect(all.entries).toHaveLength(4);
  });

  it('read data from stdin, and refuse what is not JSON', async () => {
    const id = await create();
    const argv = ['job', 'send', id, 'run', '--data', '-'];
    const sent = await runOnTerminal(argv, { env: service.env, typed: '{"a":1}', isTTY: false });
    expect(JSON.parse(sent.stdout)).toMatchObject({ entries: [{ data: { a: 1 } }] });
    const refused = await run('job', 'send', id, 'update', '--data', '{a');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^INVALID_DATA: .*--data/);
  });

  it('show a person tables, without what a job says to the terminal itself', async () => {
    const { id } = await service.manager.setup('pipelineJob', {
      pipeline: 'count',
      data: { evil: '\u001b[31m\u009b2J\u202e\nnext' },
      tags: ['\u001b]0;title\u0007'],
    });
    // Lists may lag behind.
    await service.manager.maintain();
    const listed = await onTerminal('', 'job', 'ls', '--limit', '1');
    expect(listed.stdout).toMatch(/^id +type +state +version +pipeline +updated +tags\n/);
    expect(listed.stdout).toContain(`${id}  pipelineJob  CREATED  1`);
    expect(listed.stderr).toMatch(/^there are more: --all, or --cursor \S+\n$/);
    const shown = await onTerminal('', 'job', 'show', id);
    const json = await onTerminal('', 'job', 'show', id, '--json');
    for (const { stdout } of [listed, shown, json]) {
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
    expect(JSON.parse(json.stdout)).toMatchObject({
      data: { evil: '\u001b[31m\u009b2J\u202e\nnext' },
    });
  });

  it('count jobs by machine and state', async () => {
    await create();
    // Counts may lag behind, as lists do.
    await service.manager.maintain();
    const told = await runJson<{ counts: { pipelineJob: { CREATED: number } } }>('job', 'counts');
    expect(told.counts).toEqual(await service.manager.counts());
    const { CREATED } = told.counts.pipelineJob;
    const shown = await onTerminal('', 'job', 'counts', '--type', 'pipelineJob');
    expect(shown.stdout).toMatch(/^type +state +jobs\n/);
    expect(shown.stdout).toMatch(new RegExp(`^pipelineJob +CREATED +${CREATED}$`, 'm'));
    expect(await runJson('job', 'counts', '--type', 'none')).toEqual({ counts: {} });
  });

  it('list all pages as one document', async () => {
    await create();
    await create();
    const page = await runJson<{ jobs: unknown[]; next: string }>('job', 'ls', '--limit', '1');
    expect(page.jobs).toHaveLength(1);
    const all = await runJson<{ jobs: { createdAt: string }[]; next?: string }>(
      ...['job', 'ls', '--all', '--oldest', '--limit', '1'],
    );
    expect(all.jobs.length).toBeGreaterThan(2);
    expect(all.next).toBeUndefined();
    expect(all.jobs.map(({ createdAt }) => createdAt)).toEqual(
      all.jobs.map(({ createdAt }) => createdAt).sort(),
    );
  });

  it.each([
    [['job', 'show', 'nobody'], 3, 'JOB_NOT_FOUND'],
    [['job', 'create', '--pipeline', 'none'], 3, 'PIPELINE_NOT_FOUND'],
    [['machine', 'show', 'none'], 3, 'UNKNOWN_MACHINE'],
    [['pipeline', 'show', 'none'], 3, 'PIPELINE_NOT_FOUND'],
    [['document', 'show', 'files', 'none'], 3, 'DOCUMENT_NOT_FOUND'],
    [['job', 'ls', '--limit', '501'], 2, 'INVALID_DATA'],
    [['job', 'show', 'x', '--url', 'http://127.0.0.1:9'], 7, 'SERVICE_UNREACHABLE'],
    [['job', 'show', 'x', '--url', 'nonsense'], 2, 'INVALID_CONFIGURATION'],
  ])('end %j with %i and a code, and say what to do', async (argv, code, told) => {
    const plain = await run(...argv);
    expect(plain).toMatchObject({ code, stdout: '' });
    expect(plain.stderr).toMatch(new RegExp(`^${told}: .+`));
    const { stderr } = await run(...argv, '--json');
    expect(JSON.parse(stderr)).toMatchObject({ code: told });
  });

  it('end with the code of what the machine, the rights or the version refuse', async () => {
    const id = await create();
    expect(await run('job', 'send', id, 'finish')).toMatchObject({ code: 4 });
    expect(await run('job', 'send', id, 'run', '--if-version', '9')).toMatchObject({ code: 6 });
    expect(await run('job', 'send', id, 'nonsense')).toMatchObject({ code: 4 });
    const reader = { JOBWRIGHT_URL: service.url, JOBWRIGHT_TOKEN: service.token('reader') };
    const refused = await runMain(['job', 'send', id, 'run'], reader);
    expect(refused).toMatchObject({ code: 5, stdout: '' });
    expect(refused.stderr).toMatch(/^FORBIDDEN: .*\n {2}next: /);
    const forged = { JOBWRIGHT_URL: service.url, JOBWRIGHT_TOKEN: 'a.b.c' };
    const stranger = await runMain(['job', 'ls'], forged);
    expect(stranger).toMatchObject({ code: 5, stdout: '' });
    expect(stranger.stderr).not.toContain('a.b.c');
  });

  it('take a token from a file, and say so where there is none', async () => {
    const file = join(service.home, 'token');
    await writeFile(file, `${service.token('reader')}\n`);
    const env = { JOBWRIGHT_URL: service.url, JOBWRIGHT_TOKEN_FILE: file };
    expect(await runMain(['job', 'ls'], env)).toMatchObject({ code: 0, stderr: '' });
    const none = { JOBWRIGHT_URL: service.url, JOBWRIGHT_HOME: join(service.home, 'none') };
    const { code, stderr } = await runMain(['job', 'ls'], none);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^INVALID_CONFIGURATION: .*JOBWRIGHT_TOKEN.*jobwright token operator/);
  });

  describe('that cannot be undone', () => {
    it.each([
      ['reset', ['--reason', 'wrong']],
      ['rm', ['--reason', 'wrong']],
      ['cancel', []],
    ])('refuse without a terminal, unless they are told yes: %s', async (verb, more) => {
      const id = await create();
      const refused = await run('job', verb, id, ...more);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain('--yes');
      expect(await run('job', 'show', id)).toMatchObject({ code: 0 });
      expect(await run('job', verb, id, ...more, '--yes')).toMatchObject({ code: 0, stderr: '' });
    });

    it('ask on a terminal, by the job and its state, and go by the answer', async () => {
      const id = await create();
      const question = `Delete job ${id} (pipelineJob, CREATED)? `;
      const argv = ['job', 'rm', id, '--reason', 'tidy'];
      for (const answer of ['n\n', '\n', '', 'yesterday\n']) {
        const declined = await onTerminal(answer, ...argv);
        expect(declined).toMatchObject({ code: 1, stdout: '' });
        expect(declined.stderr).toContain(question);
        expect(declined.stderr).toMatch(/nothing was done\n$/);
      }
      const agreed = await onTerminal('y\n', ...argv);
      expect(agreed).toMatchObject({ code: 0 });
      expect(agreed.stdout).toContain('is deleted');
      expect(await run('job', 'show', id)).toMatchObject({ code: 3 });
    });

    it('want a reason', async () => {
      const id = await create();
      for (const verb of ['reset', 'rm']) {
        const { code, stderr } = await run('job', verb, id, '--yes');
        expect(code).toBe(2);
        expect(stderr).toContain('--reason');
      }
    });

    it('refuse what has moved on while the person thought', async () => {
      const id = await create();
      const job = await service.manager.job(id);
      const typed = (async function* () {
        await job.run();
        yield 'y\n';
      })();
      const { Readable } = await import('node:stream');
      const { main } = await import('../../src/cli/main.ts');
      const code = await main(['job', 'rm', id, '--reason', 'tidy'], {
        stdin: Object.assign(Readable.from(typed), { isTTY: true }),
        stdout: { write: () => true },
        stderr: { write: () => true },
        env: service.env,
        signal: new AbortController().signal,
        program: '',
      });
      expect(code).toBe(6);
      expect(await run('job', 'show', id)).toMatchObject({ code: 0 });
    });
  });

  describe('watch', () => {
    it('prints entries of a job as lines of JSON, until it is in a state', async () => {
      const id = await create();
      const job = await service.manager.job(id);
      const lines: { name: string; position: string }[] = [];
      const onOutput = (text: string): void => {
        lines.push(JSON.parse(text) as { name: string; position: string });
        if (lines.length === 1) void job.update({ page: 2 }).finish();
      };
      const opened = service.nextStream();
      const watching = runOnTerminal(['job', 'watch', id, '--until', 'FINISHED'], {
        env: service.env,
        isTTY: false,
        onOutput,
      });
      await opened;
      await job.run();
      expect(await watching).toMatchObject({ code: 0, stderr: '' });
      expect(lines.map(({ name }) => name)).toEqual(['run', 'update', 'finish']);
      expect(lines.at(-1)).toMatchObject({ name: 'finish', jobId: id, to: 'FINISHED' });
    });

    it('ends at once where the job is in that state already', async () => {
      const id = await create();
      const argv = ['job', 'watch', id, '--until', 'CREATED'];
      expect(await run(...argv)).toEqual({ code: 0, stdout: '', stderr: '' });
    });

    it('ends when it is interrupted, with the code of that', async () => {
      const id = await create();
      const job = await service.manager.job(id);
      const ending = new AbortController();
      const opened = service.nextStream();
      const watching = runOnTerminal(['job', 'watch', '--type', 'pipelineJob'], {
        env: service.env,
        signal: ending.signal,
        onOutput: () => ending.abort(),
      });
      await opened;
      await job.update({ n: 1 });
      const { code, stdout } = await watching;
      expect(code).toBe(130);
      expect(stdout).toContain('update  CREATED → CREATED  operator library');
    });

    it('says that there is no such job, and that an end needs a job', async () => {
      expect(await run('job', 'watch', 'nobody')).toMatchObject({ code: 3 });
      expect(await run('job', 'watch', '--until', 'FINISHED')).toMatchObject({ code: 2 });
    });
  });

  it('show machines, pipelines, documents and the record of administrators', async () => {
    const { stdout } = await onTerminal('', 'machine', 'ls');
    expect(stdout).toMatch(/^name +version +states +events/);
    expect((await run('machine', 'diagram', 'pipelineJob')).stdout).toMatch(/^stateDiagram-v2\n/);
    const shown = await onTerminal('', 'machine', 'show', 'pipelineJob');
    expect(shown.stdout).toMatch(/RETIRED +reset\n/);
    const put = ['pipeline', 'put', 'words', '--name', 'Words', '--metadata', '{"a": 1}'];
    expect(await runJson(...put)).toMatchObject({ id: 'words', metadata: { a: 1 } });
    expect((await onTerminal('', 'pipeline', 'ls')).stdout).toMatch(/\nwords {2}Words/);
    const stored = ['document', 'put', 'files', 'f1', '--data', '{"name": "tide"}'];
    expect(await runJson(...stored)).toMatchObject({ id: 'f1', name: 'tide' });
    expect(await runJson('document', 'show', 'files', 'f1')).toMatchObject({ name: 'tide' });
    const record = await runJson<{ records: unknown[] }>('audit', 'ls', '--limit', '3');
    expect(Array.isArray(record.records)).toBe(true);
  });
});
