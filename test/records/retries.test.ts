import { InvalidTransition, type JobManager } from 'jobwright';
import { beforeAll, describe, expect, it } from 'vitest';
import { storeKinds, useRecordWorld, type RecordHandle } from './recordWorld.ts';

describe.each(storeKinds)('retries of records on %s', (kind) => {
  const world = useRecordWorld(kind);
  let time = Date.now() + 60_000;
  let manager: JobManager;
  beforeAll(async () => {
    manager = await world.open({ now: () => time, background: false });
  });

  /** As this clock sees it. */
  const newRecord = async (retries: object): Promise<RecordHandle> => {
    const { id } = await world.newRecord({ data: { retries } });
    return (await manager.jobs([id]))[0] as unknown as RecordHandle;
  };
  const error = { type: 'odd', message: 'no convergence' };

  it('stand in the history as what they are, and are told in the details', async () => {
    const job = await newRecord({ limits: { odd: 1 }, delay: 5_000 });
    await job.claim({ worker: 'willow' }).fail({ epoch: 1, error });
    expect(job.view()).toMatchObject({
      state: 'waiting',
      details: { error: null, attempts: 1, readyAt: new Date(time + 5_000).toISOString() },
    });
    time += 5_000;
    await job.claim({ worker: 'willow' }).fail({ epoch: 2, error });
    expect(job.view()).toMatchObject({ state: 'error', details: { error, attempts: 2 } });
    const { entries } = await job.history();
    expect(entries.map(({ name, from, to }) => [name, from, to])).toEqual([
      ['create', null, 'waiting'],
      ['claim', 'waiting', 'running'],
      ['fail', 'running', 'waiting'],
      ['claim', 'waiting', 'running'],
      ['fail', 'running', 'error'],
    ]);
    expect(await manager.attempts(job.id)).toMatchObject([
      { attempt: 1, outcome: 'error', error },
      { attempt: 2, outcome: 'error', error },
    ]);
  });

  it('are in the queue of workers from their time on only', async () => {
    const job = await newRecord({ limits: { '*': 1 }, delay: 60_000 });
    await job.claim({ worker: 'willow' }).fail({ epoch: 1, error });
    await expect(job.claim({ worker: 'willow' })).rejects.toThrow(InvalidTransition);
    await manager.engine.projector.flush();
    const { queue } = (await manager.engine.store.readJob(job.id)) ?? {};
    expect(queue).toMatchObject({ readyAt: new Date(time + 60_000) });
    time += 60_000;
    expect((await job.claim({ worker: 'wanda' })).state).toBe('running');
  });

  it('outlive a restart: the budget is part of what a record remembers', async () => {
    const job = await newRecord({ limits: { odd: 1 }, delay: 0 });
    await job.claim({ worker: 'willow' }).fail({ epoch: 1, error });
    await manager.engine.projector.flush();
    const other = await world.open({ now: () => time, background: false });
    const same = (await other.jobs([job.id]))[0] as unknown as RecordHandle;
    await same.claim({ worker: 'willow' }).fail({ epoch: 2, error });
    expect(same.state).toBe('error');
    await same.send('reset', { reason: 'mended' }).claim({ worker: 'willow' });
    await same.fail({ epoch: 3, error });
    expect(same.state).toBe('waiting');
    expect((await other.verify({ job: job.id })).problems).toEqual([]);
  });

  it('give a new generation of tokens with each reset, and none with a retry or an undoing', async () => {
    const job = await newRecord({ limits: { odd: 1 }, delay: 0 });
    const { token } = job;
    const read = () => manager.job(job.id, { token });
    await job.claim({ worker: 'willow' }).fail({ epoch: 1, error });
    await job.send('cancel').uncancel();
    expect((await read()).state).toBe('waiting');
    await job.claim({ worker: 'willow' }).fail({ epoch: 2, error });
    await job.send('reset');
    await expect(read()).rejects.toThrow(/revoked/);
  });
});
