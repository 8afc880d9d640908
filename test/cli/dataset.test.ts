import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMain } from './runMain.ts';
import { runningService, runOnTerminal } from './runningService.ts';

type Running = Awaited<ReturnType<typeof runningService>>;

describe('dataset', () => {
  let service: Running;
  beforeAll(async () => {
    service = await runningService();
  });
  afterAll(() => service.stop());

  const run = (...argv: string[]) => runMain(['dataset', ...argv], service.env);
  const runJson = async <T>(...argv: string[]): Promise<T> => {
    const { code, stdout, stderr } = await run(...argv);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as T;
  };
  const onTerminal = (...argv: string[]) =>
    runOnTerminal(['dataset', ...argv], { env: service.env });
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(service.home, name);
    await writeFile(path, text);
    return path;
  };

  it('create, add-entries, add-spec, submit, status, bulk and rm', async () => {
    const data = '{"input": {"method": "hf"}}';
    await runJson('create', 'water', '--tag', 'GPU', '--priority', '7', '--description', 'wet');
    expect(await runJson('add-spec', 'water', 'fast', '--data', data)).toEqual({
      added: ['fast'],
      existing: [],
    });
    const lines = [1, 2, 3].map((n) => JSON.stringify({ name: `e${n}`, data: { n } })).join('\n');
    expect(await runJson('add-entries', 'water', await file('lines', lines))).toEqual({
      added: ['e1', 'e2', 'e3'],
      existing: [],
    });
    expect(await runJson('submit', 'water', '--entry', 'e1', '--entry', 'e2')).toMatchObject({
      submitted: 2,
    });
    expect(await runJson('submit', 'water')).toMatchObject({ submitted: 1, already: 2 });
    const cancelled = await runJson<{ counts: { updated: number } }>(
      ...['bulk', 'water', 'cancel', '--entry', 'e1', '--entry', 'e3', '--state', 'waiting'],
    );
    expect(cancelled.counts.updated).toBe(2);
    const { stdout } = await onTerminal('status', 'water');
    expect(stdout.trimEnd().split('\n')[1]?.split(/ +/)).toEqual([
      'fast',
      '0',
      '0',
      '0',
      '1',
      '2',
      '0',
      '0',
    ]);
    expect(await runJson('show', 'water')).toMatchObject({ tag: 'gpu', priority: 7, entries: 3 });
    expect((await onTerminal('show', 'water')).stdout).toContain('wet');
    expect((await onTerminal('ls')).stdout).toContain('water');
    expect(await runJson('rm', 'water')).toEqual({ removed: true });
    expect((await run('show', 'water')).code).toBe(3);
  });

  it('reads entries as a list, or as a mapping, on one line or on several', async () => {
    await runJson('create', 'shapes', '--specifications', '{"s": {}}');
    const add = async (name: string, text: string) =>
      (await runJson<{ added: string[] }>('add-entries', 'shapes', await file(name, text))).added;
    expect(await add('one', '[{"name": "a"}, {"name": "b", "data": {"n": 1}}]')).toEqual([
      'a',
      'b',
    ]);
    expect(await add('two', '{"c": {"n": 2}, "d": {}}')).toEqual(['c', 'd']);
    expect(await add('three', '{\n  "e": {"n": 3}\n}')).toEqual(['e']);
    expect(await add('four', '{"name": "f", "data": {}}\n')).toEqual(['f']);
    const wrong = await run('add-entries', 'shapes', await file('five', '{"name": "g"}\n{"na'));
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('line 2');
  });

  it('says what was refused, and ends as refused then', async () => {
    await runJson('create', 'bad', '--specifications', '{"s": {"programs": 7}}');
    await runJson('add-entries', 'bad', await file('bad', '{"name": "a"}'));
    const ended = await onTerminal('submit', 'bad');
    expect(ended.code).toBe(4);
    expect(ended.stdout).toContain('INVALID_DATA');
    const none = await run('bulk', 'bad', 'cancel');
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain('no record');
  });

  it('tells that a dataset was there already', async () => {
    await runJson('create', 'twice', '--description', 'first');
    const again = await run('create', 'twice', '--description', 'second');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain('there already');
    expect(JSON.parse(again.stdout)).toMatchObject({ description: 'first', created: false });
    expect((await run('create', 'odd', '--priority', 'urgent')).stderr).toContain('low, normal');
  });
});
