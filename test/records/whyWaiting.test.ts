import { describe, expect, it } from 'vitest';
import { JobNotFound } from '../../src/errors.ts';
import { storeKinds } from './recordWorld.ts';
import { useWorkerWorld } from './workerWorld.ts';

describe.each(storeKinds)('why a job waits, in %s', (kind) => {
  const world = useWorkerWorld(kind);

  it('is told step by step until a worker has it', async () => {
    const tag = world.newTag();
    const { id } = await world.record({ tag, programs: ['p', 'q'] });
    const why = () => world.manager.why(id);
    expect(await why()).toMatchObject({
      ...{ id, reason: 'no_active_workers' },
      details: { state: 'waiting', tag, programs: ['p', 'q'] },
    });

    const stranger = await world.activate({ tags: ['elsewhere'], programs: { p: '1', q: '1' } });
    expect(await why()).toMatchObject({
      reason: 'tag_unhandled',
      message: `none of the 1 active workers takes the tag ${tag}`,
      details: { tag, activeWorkers: 1 },
    });
    await world.workers.deactivate(stranger);
    expect(await why()).toMatchObject({ reason: 'no_active_workers' });

    const poor = await world.activate({ tags: [tag], programs: { p: '1' } });
    expect(await why()).toMatchObject({ reason: 'programs_missing', details: { missing: ['q'] } });
    const other = await world.activate({ tags: ['*'], programs: { q: '1' } });
    const { message } = await why();
    expect(message).toBe(
      `no active worker that takes the tag ${tag} has all of p, q; ${poor} lacks q`,
    );
    await world.workers.deactivate(other);

    const able = await world.activate({ tags: ['*'], programs: { p: '1', q: '1' } });
    expect(await why()).toMatchObject({
      reason: 'waiting_for_worker',
      details: { workers: [able], ableWorkers: 1 },
    });
    await world.claimIds(able, { limit: 1 });
    expect(await why()).toMatchObject({
      reason: 'not_waiting',
      details: { state: 'running', worker: able, epoch: 1 },
    });
    await world.workers.report(able, [{ id, epoch: 1, outcome: 'complete' }]);
    expect(await why()).toMatchObject({ reason: 'not_waiting', details: { state: 'complete' } });
  });

  it('may be that it backs off', async () => {
    const tag = world.newTag();
    const retries = { limits: { '*': 1 }, delay: 60_000 };
    const { id } = await world.record({ tag, retries });
    const worker = await world.activate({ tags: [tag], leaseSeconds: 600 });
    const { epoch } = await world.claimOne(worker);
    const error = { type: 'crash', message: 'no' };
    await world.workers.report(worker, [{ id, epoch, outcome: 'error', error }]);
    expect(await world.manager.why(id)).toMatchObject({ reason: 'backing_off' });
    world.passTime(61);
    expect(await world.manager.why(id)).toMatchObject({ reason: 'waiting_for_worker' });
  });

  it('may be that it follows its children', async () => {
    const tag = world.newTag();
    const parent = await world.record({ tag, awaits: 'children' });
    const children = [1, 2, 3].map((nr) => ({ data: { tag, nr }, parents: [parent.id] }));
    await world.manager.setupMany('record', children);
    await world.maintain();
    expect(await world.manager.why(parent.id)).toMatchObject({
      reason: 'follows_children',
      details: { children: { waiting: 3 } },
    });
  });

  it('is no question of a job that is not for workers, or not there', async () => {
    await world.manager.pipelines.put('p', { name: 'p' });
    const job = await world.manager.setup('pipelineJob', { pipeline: 'p' });
    expect(await world.manager.why(job.id)).toMatchObject({ reason: 'no_workers_needed' });
    await expect(world.manager.why('nothing')).rejects.toThrow(JobNotFound);
  });
});
