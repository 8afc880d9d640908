import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { runMain, type Ended } from './runMain.ts';
import { runningService, runOnTerminal } from './runningService.ts';

const sum = fileURLToPath(new URL('../fixtures/computeSum.mjs', import.meta.url));
const exec = `${[process.execPath, sum].map((word) => JSON.stringify(word)).join(' ')} {input}`;

type Running = Awaited<ReturnType<typeof runningService>>;

describe('the worker commands', () => {
  let service: Running;
  beforeAll(async () => {
    service = await runningService();
  });
  afterAll(() => service.stop());

  const setup = async (tag: string, key: string, more: object = {}): Promise<string> => {
    const input = { key, numbers: [1, 2], ...more };
    const { id } = await service.manager.setup('record', { data: { tag, input } });
    // The queue may lag behind, as lists do.
    await service.manager.maintain();
    return id;
  };
  const stateOf = async (id: string) => (await service.manager.job(id)).state;
  const run = (...argv: string[]) => runMain(argv, service.env);
  const lines = ({ stdout }: Ended) =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('run a program for each record until there is none, and tell each event', async () => {
    const ids = [await setup('once', 'a'), await setup('once', 'b')];
    const argv = ['worker', 'run', '--exec', exec, '--once', '--name', 'ann', '--tags', 'once'];
    const ended = await run(...argv, '--programs', 'p=1.0,q', '--concurrency', '2', '--json');
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    const events = lines(ended);
    expect(events.map(({ event }) => event).sort()).toEqual(
      ['activated', 'claimed', 'claimed', 'reported', 'reported', 'stopped'].sort(),
    );
    expect(events.every(({ at }) => typeof at === 'string')).toBe(true);
    expect(await Promise.all(ids.map(stateOf))).toEqual(['complete', 'complete']);

    const shown = await run('worker', 'show', 'ann');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      ...{ status: 'inactive', tags: ['once'], programs: { p: '1.0', q: 'any' } },
      counts: { claimed: 2, completed: 2 },
    });
    const listed = await runOnTerminal(['worker', 'ls', '--status', 'inactive'], {
      env: service.env,
    });
    expect(listed.stdout).toMatch(/^name +status +tags +claimed/);
    expect(listed.stdout).toMatch(/^ann +inactive +once +2 +2 +0 +0 /m);
  });

  it('tell a person one line for each event, on stderr', async () => {
    const id = await setup('told', 'c');
    const argv = ['worker', 'run', '--exec', './no/such/program', '--once', '--tags', 'told'];
    const { code, stdout, stderr } = await run(...argv);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/worker \S+ is active\n/);
    expect(stderr).toMatch(new RegExp(`${id}  claimed \\(1\\)\n.*${id}  error → error\n`));
    expect(await stateOf(id)).toBe('error');
  });

  it.each([
    ['let running programs end', false, 'complete', 0],
    ['end them when interrupted again', true, 'waiting', 130],
  ])('%s', async (_what, again, state, code) => {
    const gate = `${service.home}/gate-${state}`;
    const id = await setup(state, `gate-${state}`, { wait: gate });
    const [interrupted, hurried] = [new AbortController(), new AbortController()];
    const written = { stderr: '' };
    const argv = ['worker', 'run', '--exec', exec, '--tags', state];
    const running = main(argv, {
      stdout: { write: () => undefined },
      stderr: { write: (text) => (written.stderr += text) },
      env: service.env,
      signal: interrupted.signal,
      patience: { ask: () => undefined, hurry: hurried.signal },
      program: '',
    });
    const isClaimed = async () => written.stderr.includes('claimed (1)') || written.stderr;
    await waitUntil('its claim', isClaimed, 10_000);
    interrupted.abort();
    if (again) hurried.abort();
    else await (await import('node:fs/promises')).writeFile(gate, '');
    expect(await running).toBe(code);
    expect(await stateOf(id)).toBe(state);
    expect(written.stderr).toContain('claiming no more');
  });

  it('deactivate a worker', async () => {
    const { workers } = await import('../../src/records/workers.ts').then((module) => ({
      workers: module.createWorkers(service.manager.engine, {
        actor: { kind: 'operator', id: 'ada' },
      }),
    }));
    await workers.activate({ name: 'idle' });
    const ended = await run('worker', 'deactivate', 'idle');
    expect(JSON.parse(ended.stdout)).toMatchObject({ name: 'idle', status: 'inactive' });
  });

  it.each([
    [['worker', 'run', '--once'], 2, /--exec/],
    [['worker', 'run', '--exec', `a 'b`], 2, /^INVALID_CONFIGURATION: .*quote/],
    [['worker', 'run', '--exec', 'a', '--timeout', 'soon'], 2, /Give a time/],
    [['worker', 'run', '--exec', 'a', '--lease', '1'], 2, /INVALID_DATA/],
    [['worker', 'show', 'nobody'], 3, /^WORKER_NOT_FOUND: /],
  ])('end %j with %i', async (argv, code, told) => {
    const ended = await run(...argv);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(told);
  });
});
