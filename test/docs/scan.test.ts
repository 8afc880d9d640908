import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { createWorker, JobManager, RunFailed } from 'jobwright';
import { createMemoryStore } from 'jobwright/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scan } from '../../docs/examples/scan/scan.ts';

let home = '';
let manager: JobManager<readonly [typeof scan]>;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'jobwright-scan-'));
  manager = await JobManager.open({
    machines: [scan],
    store: createMemoryStore(),
    secrets: [{ kid: 'test', secret: randomBytes(32) }],
    home,
    logLevel: 'silent',
  });
});
afterAll(async () => {
  await manager.close();
  await rm(home, { recursive: true, force: true });
});

/** Lets a worker do all there is. */
async function work(): Promise<void> {
  const worker = createWorker({
    workers: manager.workers,
    programs: { scanner: '2.1' },
    untilEmpty: true,
    run({ data }) {
      const { slide } = data as { slide: string };
      if (slide === 'cracked') throw new RunFailed('broken_slide', 'it is cracked');
      return { result: { slide, tiles: 12 } };
    },
  });
  await worker.start();
  await worker.ended;
}

describe('the machine scan', () => {
  it('is done by workers that have its program', async () => {
    const { id } = await manager.setup('scan', { data: { slide: 's1' } });
    expect((await manager.why(id)).reason).toBe('no_active_workers');
    await work();
    const job = await manager.job<'scan'>(id);
    expect(job.state).toBe('scanned');
    expect(await manager.output(id, { name: 'result' })).toEqual({ slide: 's1', tiles: 12 });
    expect((await manager.attempts(id)).map(({ outcome }) => outcome)).toEqual(['complete']);
  });

  it('is refused to who no longer has it', async () => {
    const { id } = await manager.setup('scan', { data: { slide: 's2' } });
    await manager.workers.activate({ name: 'early', programs: { scanner: '2' } });
    const [claimed] = await manager.workers.claim('early', { limit: 1 });
    expect(claimed).toMatchObject({ id, epoch: 1 });
    await manager.workers.deactivate('early');
    await manager.workers.activate({ name: 'late', programs: { scanner: '2' } });
    await manager.workers.claim('late');
    const report = { id, outcome: 'complete' } as const;
    expect(await manager.workers.report('late', [{ ...report, epoch: 1 }])).toMatchObject([
      { outcome: 'rejected', code: 'LEASE_LOST' },
    ]);
    expect(await manager.workers.report('late', [{ ...report, epoch: 2 }])).toMatchObject([
      { outcome: 'accepted', state: 'scanned' },
    ]);
  });

  it('is the same job under another tag, and takes a comment and another priority', async () => {
    const job = await manager.setup('scan', { data: { slide: 's3', tag: 'fast' } });
    const same = await manager.setup('scan', { data: { slide: 's3', tag: 'slow' } });
    expect(same.id).toBe(job.id);
    await job.comment({ text: 'the blue one' }).modify({ priority: 'high' });
    await manager.maintain();
    const { jobs } = await manager.list({ type: 'scan', state: 'queued' });
    expect(jobs.find(({ id }) => id === job.id)?.details).toEqual({
      tag: 'fast',
      priority: 750,
      worker: null,
    });
  });

  it('tells a parent that follows its children how it ended', async () => {
    const parent = await manager.setup('record', { data: { awaits: 'children', name: 'tray' } });
    const parents = [parent.id];
    await manager.setup('scan', { parents, data: { slide: 'whole' } });
    await manager.setup('scan', { parents, data: { slide: 'cracked' } });
    await work();
    await manager.maintain();
    expect((await parent.refresh()).state).toBe('error');
    const { entries } = await parent.history();
    expect(entries.at(-1)).toMatchObject({
      name: 'settle',
      data: { children: { complete: 1, broken: 1 } },
    });
  });
});
