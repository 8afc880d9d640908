import { describe, expect, it } from 'vitest';
import { WorkerInactive } from '../../src/errors.ts';
import { storeKinds } from './recordWorld.ts';
import { useWorkerWorld } from './workerWorld.ts';

describe.each(storeKinds)('leases in %s', (kind) => {
  const world = useWorkerWorld(kind);

  async function claimed(leaseSeconds = 30) {
    const tag = world.newTag();
    const worker = await world.activate({ tags: [tag], leaseSeconds });
    const { id } = await world.record({ tag });
    const { epoch } = await world.claimOne(worker);
    return { tag, worker, id, epoch };
  }

  it('end with a worker that is silent past its deadline, and its late result is refused', async () => {
    const { tag, worker, id, epoch } = await claimed();
    world.passTime(29);
    await world.maintain();
    expect((await world.job(id)).state).toBe('running');
    world.passTime(2);
    await world.maintain();
    expect((await world.workers.get(worker)).status).toBe('lost');
    const job = await world.job(id);
    expect(job.state).toBe('waiting');
    expect(job.context).toMatchObject({ lease: null, retried: { worker_lost: 1 } });
    const late = [{ id, epoch, outcome: 'complete' } as const];
    await expect(world.workers.report(worker, late)).rejects.toThrow(WorkerInactive);
    const next = await world.activate({ tags: [tag] });
    expect(await world.claimOne(next)).toMatchObject({ id, epoch: epoch + 1 });
    expect(await world.workers.report(next, late)).toMatchObject([{ code: 'LEASE_LOST' }]);
    const { entries } = await (await world.job(id)).history();
    expect(entries.map(({ name, actor }) => `${name} ${actor.kind}:${actor.id}`).slice(1)).toEqual([
      `claim worker:${worker}`,
      'release system:workers',
      `claim worker:${next}`,
    ]);
  });

  it('hold as long as the worker is heard of, in whichever way', async () => {
    const { worker, id, epoch } = await claimed();
    for (const call of [
      () => world.workers.heartbeat(worker),
      () => world.workers.claim(worker),
      () => world.workers.progress(worker, [{ id, epoch, progress: {} }]),
      () => world.workers.report(worker, []),
    ]) {
      world.passTime(29);
      await call();
    }
    world.passTime(29);
    await world.maintain();
    expect((await world.job(id)).state).toBe('running');
  });

  it('of many lost jobs are all given back', async () => {
    const tag = world.newTag();
    const worker = await world.activate({ tags: [tag], leaseSeconds: 30 });
    const inputs = Array.from({ length: 350 }, (_, nr) => ({ data: { tag, nr } }));
    await world.manager.setupMany('record', inputs);
    await world.maintain();
    for (const expected of [200, 150]) expect(await world.claimIds(worker)).toHaveLength(expected);
    world.passTime(31);
    await world.maintain();
    const next = await world.activate({ tags: [tag] });
    for (const expected of [200, 150]) expect(await world.claimIds(next)).toHaveLength(expected);
  });

  it('end a record in error that its workers were lost with too often', async () => {
    const { tag, id } = await claimed();
    for (let round = 0; round < 5; round += 1) {
      world.passTime(31);
      await world.maintain();
      await world.claimOne(await world.activate({ tags: [tag] }));
    }
    world.passTime(31);
    await world.maintain();
    const job = await world.job(id);
    expect(job.state).toBe('error');
    expect(job.context).toMatchObject({ error: { type: 'worker_lost' } });
  });

  it('of an unknown worker end', async () => {
    const { id } = await world.record({ tag: world.newTag() });
    await (await world.job(id)).claim({ worker: 'never-activated' });
    await world.maintain();
    await world.maintain();
    expect(await world.names(id)).toBe('create claim release');
  });

  describe('heartbeat', () => {
    it('tells what to drop: cancelled, with another worker, gone, under an older claim', async () => {
      const tag = world.newTag();
      const worker = await world.activate({ tags: [tag], leaseSeconds: 60 });
      for (let index = 0; index < 4; index += 1) await world.record({ tag });
      await world.maintain();
      const [kept, cancelled, foreign, again] = await world.claimIds(worker);
      const other = await world.activate();
      await (await world.job(cancelled ?? '')).cancel();
      await (await world.job(foreign ?? '')).release({}).claim({ worker: other });
      await (await world.job(again ?? '')).release({}).claim({ worker });
      const running = [kept, cancelled, foreign, again, 'nothing'].map((id = '') => ({
        id,
        epoch: 1,
      }));
      const { worker: view, abandon } = await world.workers.heartbeat(worker, { running });
      expect(view.name).toBe(worker);
      expect(abandon).toEqual([
        { id: cancelled, epoch: 1, state: 'cancelled' },
        { id: foreign, epoch: 1, state: 'running' },
        { id: again, epoch: 1, state: 'running' },
        { id: 'nothing', epoch: 1, state: 'gone' },
      ]);
    });

    it('knows what was claimed just now, though no list shows it yet', async () => {
      const { worker, id, epoch } = await claimed();
      const running = [{ id, epoch }];
      expect((await world.workers.heartbeat(worker, { running })).abandon).toEqual([]);
    });

    it('gives back what the worker does not name, once it has had it for a lease', async () => {
      const { worker, id } = await claimed(30);
      await world.maintain();
      await world.workers.heartbeat(worker, { running: [] });
      expect((await world.job(id)).state).toBe('running');
      world.passTime(20);
      await world.workers.heartbeat(worker);
      world.passTime(20);
      await world.workers.heartbeat(worker);
      expect((await world.job(id)).state).toBe('running');
      await world.workers.heartbeat(worker, { running: [] });
      expect((await world.job(id)).state).toBe('waiting');
      expect((await world.job(id)).context).toMatchObject({ retried: {} });
    });
  });
});
