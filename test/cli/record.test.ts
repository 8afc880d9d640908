import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkers } from '../../src/records/workers.ts';
import { runMain } from './runMain.ts';
import { runningService, runOnTerminal } from './runningService.ts';

type Running = Awaited<ReturnType<typeof runningService>>;
type Told = Record<string, unknown>;

describe('the record commands', () => {
  let service: Running;
  beforeAll(async () => {
    service = await runningService();
  });
  afterAll(() => service.stop());

  const run = (...argv: string[]) => runMain(['record', ...argv], service.env);
  const runJson = async (...argv: string[]): Promise<Told> => {
    const { code, stdout, stderr } = await run(...argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Told;
  };
  let inputs = 0;
  const create = async (...more: string[]): Promise<string> => {
    inputs += 1;
    return String((await runJson('create', '--input', String(inputs), ...more))['id']);
  };
  const onTerminal = (...argv: string[]) =>
    runOnTerminal(['record', ...argv], { env: service.env });

  it('create a record, attach to it, list it and show what it remembers', async () => {
    const options = ['--input', '{"xyz": [1]}', '--programs', 'Psi4, DFTD', '--tag', 'gpu'];
    const made = await runJson('create', ...options, '--priority', 'high');
    expect(made).toMatchObject({ state: 'waiting', created: true });
    const id = String(made['id']);
    expect(await runJson('create', ...options, '--priority', '7')).toMatchObject({
      ...{ id, created: false },
    });
    const job = await service.manager.job(id);
    expect(job.data).toMatchObject({ input: { xyz: [1] }, tag: 'gpu' });
    await service.manager.maintain();
    const { jobs } = await runJson('ls', '--state', 'waiting');
    expect((jobs as { id: string }[]).map((one) => one.id)).toContain(id);
    expect(await runJson('show', id)).toMatchObject({ id, type: 'record' });
    expect((await onTerminal('show', id)).stdout).toMatch(/^state +waiting$/m);
  });

  it('send events by name, one record after the other', async () => {
    const [first, second] = [await create(), await create()];
    const cancelled = await run('cancel', first, 'nobody', second, '--reason', 'no need');
    expect(cancelled.code).toBe(3);
    expect(cancelled.stderr).toMatch(/^nobody: JOB_NOT_FOUND: /);
    const told = cancelled.stdout.trim().split('\n');
    expect(told.map((line) => JSON.parse(line) as Told)).toEqual([
      { id: first, state: 'cancelled', version: 2 },
      { id: second, state: 'cancelled', version: 2 },
    ]);
    const chain: (readonly [verb: string, state: string])[] = [
      ['delete', 'deleted'],
      ['undelete', 'cancelled'],
      ['uncancel', 'waiting'],
    ];
    for (const [verb, state] of chain) {
      expect(await runJson(verb, first)).toMatchObject({ id: first, state });
    }
    await runJson('modify', first, '--tag', 'cpu', '--priority', '3');
    await runJson('comment', first, '--text', 'look here');
    const { entries } = await (await service.manager.job(first)).history();
    expect(entries.map(({ name, data }) => [name, data])).toEqual([
      ['create', expect.anything()],
      ['cancel', { reason: 'no need' }],
      ['delete', null],
      ['undelete', null],
      ['uncancel', null],
      ['modify', { tag: 'cpu', priority: 3 }],
      ['comment', { text: 'look here' }],
    ]);
    expect(await run('reset', first)).toMatchObject({ code: 4, stdout: '' });
  });

  it('tell why records wait', async () => {
    const ids = [await create(), await create()];
    const { stdout } = await onTerminal('why', ...ids);
    expect(stdout).toBe(ids.map((id) => `${id}  no worker is active\n`).join(''));
    expect(await runJson('why', String(ids[0]))).toMatchObject({ reason: 'no_active_workers' });
  });

  it('show the attempts at a record, and what each left', async () => {
    const id = await create('--tag', 'tried');
    const principal = { actor: { kind: 'operator', id: 'ada' } } as const;
    const workers = createWorkers(service.manager.engine, principal);
    const { name } = await workers.activate({ tags: ['tried'] });
    await service.manager.maintain();
    const [job] = await workers.claim(name);
    await workers.report(name, [
      {
        ...{ id, epoch: job?.epoch ?? 0, outcome: 'error' },
        error: { type: 'exit_nonzero', message: 'it ended with code 3' },
        ...{ stdout: 'half \u001b[31mway\n', stderr: 'oh' },
      },
    ]);
    const table = await onTerminal('attempts', id);
    expect(table.stdout).toMatch(/^1 +error +\S+ .*stdout \d+.*exit_nonzero: it ended/m);
    expect(await runJson('attempts', id)).toMatchObject({
      attempts: [{ attempt: 1, outcome: 'error', worker: name }],
    });
    const plain = await run('output', id, '--name', 'stdout', '--attempt', '1');
    expect(plain.stdout).toBe('half \u001b[31mway\n');
    const shown = await onTerminal('output', id, '--name', 'stdout');
    expect(shown.stdout).not.toContain('\u001b');
    expect(await run('output', id)).toMatchObject({ code: 3 });
    expect(await runJson('reset', id, '--reason', 'again')).toMatchObject({ state: 'waiting' });
  });

  it('invalidate a result, and take that back', async () => {
    const id = await create('--tag', 'done');
    const principal = { actor: { kind: 'operator', id: 'ada' } } as const;
    const workers = createWorkers(service.manager.engine, principal);
    const { name } = await workers.activate({ tags: ['done'] });
    await service.manager.maintain();
    const [job] = await workers.claim(name);
    const epoch = job?.epoch ?? 0;
    await workers.report(name, [{ id, epoch, outcome: 'complete', result: { energy: -1.5 } }]);
    expect(await runJson('output', id)).toEqual({ energy: -1.5 });
    expect(await runJson('invalidate', id)).toMatchObject({ state: 'invalid' });
    expect(await runJson('uninvalidate', id)).toMatchObject({ state: 'complete' });
  });
});
