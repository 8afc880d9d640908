import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMain } from './runMain.ts';
import { runningService, runOnTerminal } from './runningService.ts';

let service: Awaited<ReturnType<typeof runningService>>;
let folder = '';
let made = 0;
beforeAll(async () => {
  service = await runningService({ background: false });
  folder = await mkdtemp(join(tmpdir(), 'jobwright-bulk-'));
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

const records = async (count: number): Promise<string[]> => {
  const inputs = Array.from({ length: count }, () => ({ data: { input: { nr: (made += 1) } } }));
  const outcomes = await service.manager.setupMany('record', inputs);
  return outcomes.map((each) => (each.outcome === 'refused' ? '' : each.job.id));
};
const bulk = (...argv: string[]) => runMain(['bulk', ...argv], service.env);
const jsonOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Record<string, unknown>;
const stateOf = async (id: string) => (await service.manager.job(id)).state;

describe('bulk', () => {
  it('plan tells what would be done and does nothing', async () => {
    const [id = ''] = await records(1);
    const ended = await bulk('plan', 'cancel', id, 'nobody', '--json');
    expect(ended.code).toBe(0);
    expect(jsonOf(ended)).toMatchObject({ matched: 2, counts: { updated: 1, refused: 1 } });
    expect(await stateOf(id)).toBe('waiting');
  });

  it('run does it, and ends with 4 where one was refused', async () => {
    const [one = '', other = ''] = await records(2);
    const ended = await bulk('run', 'cancel', one, '--reason', 'full', '--json');
    expect(ended).toMatchObject({ code: 0 });
    expect(jsonOf(ended)).toMatchObject({ state: 'finished', counts: { updated: 1 } });
    const again = await bulk('run', 'cancel', one, other);
    expect(again.code).toBe(4);
    const { run } = jsonOf(again);
    expect(jsonOf(await bulk('show', String(run)))).toMatchObject({
      counts: { updated: 1, refused: 1, byCode: { INVALID_TRANSITION: 1 } },
    });
    const { stdout } = await bulk('outcomes', String(run), '--json');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toMatchObject([
      { index: 0, id: one, outcome: 'refused', state: 'cancelled' },
      { index: 1, id: other, outcome: 'updated' },
    ]);
    await service.manager.engine.projector.flush();
    expect(jsonOf(await bulk('ls', '--limit', '1'))).toMatchObject({ runs: [{ run }] });
    expect((await bulk('stop', String(run))).code).toBe(4);
  });

  it('run asks before it acts on a filter, with the counts in view', async () => {
    const [id = ''] = await records(1);
    const argv = ['bulk', 'run', 'cancel', '--q', 'type=record', '--q', `q=${id}`];
    const no = await runOnTerminal(argv, { env: service.env, typed: 'n\n' });
    expect(no).toMatchObject({ code: 1 });
    expect(no.stderr).toContain('cancel 1 jobs? [y/N]');
    expect(no.stderr).toContain('nothing was done');
    expect(await stateOf(id)).toBe('waiting');
    expect((await runMain(argv, service.env)).code).toBe(2);
    const yes = await runOnTerminal(argv, { env: service.env, typed: 'y\n' });
    expect(yes).toMatchObject({ code: 0 });
    expect(yes.stdout).toContain('1 of 1');
    expect(await stateOf(id)).toBe('cancelled');
  });

  it('run takes ids from a file, with data, a scope and as an admin', async () => {
    const ids = await records(1_200);
    const file = join(folder, 'ids');
    await writeFile(file, `${ids.join('\n')}\n\n`);
    const modified = await bulk(
      ...['run', 'modify', '--ids-file', file, '--data', '{"tag":"gpu"}', '--yes', '--json'],
    );
    expect(jsonOf(modified)).toMatchObject({ counts: { requested: 1_200, updated: 1_200 } });
    const [one = ''] = ids;
    const hard = ['run', 'delete', one, '--data', '{"hard":true}', '--scope', 'descendants'];
    expect((await bulk(...hard)).code).toBe(2);
    expect((await bulk(...hard, '--yes')).code).toBe(0);
    await expect(service.manager.job(one)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });
});
