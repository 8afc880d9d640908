import { describe, expect, it } from 'vitest';
import { InvalidData } from '../../src/errors.ts';
import type { Result } from '../../src/records/workerProtocol.ts';
import { pipelineJob } from '../../machines/index.ts';
import { storeKinds } from './recordWorld.ts';
import { useWorkerWorld } from './workerWorld.ts';

const unknownId = '00000000-0000-5000-8000-000000000000';

describe.each(storeKinds)('reports in %s', (kind) => {
  const world = useWorkerWorld(kind);

  /** A record that a worker has claimed. */
  async function claimed() {
    const tag = world.newTag();
    const worker = await world.activate({ tags: [tag] });
    const { id } = await world.record({ tag });
    const { epoch } = await world.claimOne(worker);
    return { tag, worker, id, epoch };
  }
  const report = (worker: string, ...results: Result[]) => world.workers.report(worker, results);

  it('end a claim well, in error, or give it back', async () => {
    const tag = world.newTag();
    const worker = await world.activate({ tags: [tag] });
    for (let index = 0; index < 3; index += 1) await world.record({ tag });
    await world.maintain();
    const [one, two, three] = await world.workers.claim(worker);
    if (!one || !two || !three) throw new Error('three were set up');
    const error = { type: 'crash', message: 'segmentation fault' };
    const outcomes = await report(
      worker,
      { ...{ id: one.id, epoch: 1 }, outcome: 'complete', result: { energy: -1.1 }, stdout: 'ok' },
      { ...{ id: two.id, epoch: 1 }, outcome: 'error', error, stderr: 'oh' },
      { ...{ id: three.id, epoch: 1 }, outcome: 'released', reason: 'shutting down' },
    );
    expect(outcomes).toEqual([
      { index: 0, id: one.id, outcome: 'accepted', state: 'complete' },
      { index: 1, id: two.id, outcome: 'accepted', state: 'error' },
      { index: 2, id: three.id, outcome: 'accepted', state: 'waiting' },
    ]);
    expect((await world.job(two.id)).context).toMatchObject({ error, producer: worker });
    expect(await world.manager.output(one.id, { name: 'result' })).toEqual({ energy: -1.1 });
    expect((await world.workers.get(worker)).counts).toEqual({
      ...{ claimed: 3, completed: 1, failed: 1, released: 1, rejected: 0 },
    });
  });

  it('that come again after a lost answer are answered alike, and taken once', async () => {
    const { worker, id, epoch } = await claimed();
    const result = { id, epoch, outcome: 'complete', result: { a: 1 }, stdout: 'x'.repeat(9_000) };
    const first = await report(worker, result as Result);
    const { state } = await (await world.job(id)).invalidate();
    expect(state).toBe('invalid');
    expect(await report(worker, result as Result, result as Result)).toEqual([
      ...first,
      { ...first[0], index: 1 },
    ]);
    expect(await world.names(id)).toBe('create claim finish invalidate');
    expect((await world.workers.get(worker)).counts).toMatchObject({ completed: 1, rejected: 0 });
  });

  it('that come again with an output stored beside the log are recognised too', async () => {
    const { worker, id, epoch } = await claimed();
    const numbers = Array.from({ length: 60_000 }, (_, index) => Math.sin(index));
    const result = { id, epoch, outcome: 'complete', result: numbers } as const;
    expect(await report(worker, result)).toEqual(await report(worker, result));
    expect(await world.names(id)).toBe('create claim finish');
    const other = { ...result, result: numbers.slice(1) };
    expect(await report(worker, other)).toMatchObject([{ code: 'LEASE_LOST', state: 'complete' }]);
  });

  it('that say something else the second time are rejected', async () => {
    const { worker, id, epoch } = await claimed();
    await report(worker, { id, epoch, outcome: 'complete', result: 1 });
    const error = { type: 'crash', message: 'no' };
    for (const other of [
      { id, epoch, outcome: 'complete', result: 2 } as const,
      { id, epoch, outcome: 'error', error } as const,
      { id, epoch, outcome: 'released' } as const,
    ])
      expect(await report(worker, other)).toMatchObject([{ code: 'LEASE_LOST' }]);
    expect(await world.names(id)).toBe('create claim finish');
    expect((await world.workers.get(worker)).counts).toMatchObject({ completed: 1, rejected: 3 });
  });

  it('are rejected where the claim is none, each for a reason of its own', async () => {
    const tag = world.newTag();
    const [worker, other] = [await world.activate({ tags: [tag] }), await world.activate()];
    const records = [];
    for (let index = 0; index < 6; index += 1) records.push(await world.record({ tag }));
    const [waiting, foreign, complete, cancelled, later, gone] = records;
    if (!waiting || !foreign || !complete || !cancelled || !later || !gone) throw new Error();
    await foreign.claim({ worker: other });
    await complete.claim({ worker }).finish({ epoch: 1 });
    await cancelled.claim({ worker }).cancel();
    await later.claim({ worker }).release({ epoch: 1 }).claim({ worker });
    const ids = [unknownId, ...records.map(({ id }) => id)];
    const before = await Promise.all(records.map(({ id }) => world.names(id)));
    const results = ids.map((id) => ({ id, epoch: 1, outcome: 'complete' }) as const);
    const outcomes = await report(worker, ...results);
    expect(outcomes.map((each) => [each.id, each.outcome, 'code' in each && each.code])).toEqual([
      [unknownId, 'rejected', 'JOB_NOT_FOUND'],
      ...records.map(({ id }) => [id, 'rejected', 'LEASE_LOST']),
    ]);
    expect(outcomes.map((each) => each.outcome === 'rejected' && each.state)).toEqual([
      ...[undefined, 'waiting', 'running', 'complete', 'cancelled', 'running', 'waiting'],
    ]);
    const reasons = outcomes.map((each) => (each.outcome === 'rejected' ? each.message : ''));
    expect(reasons[2]).toContain(`worker ${other} has it`);
    expect(reasons[5]).toContain('its newest claim is 2');
    expect(new Set(reasons.slice(0, 6)).size).toBe(6);
    expect(await Promise.all(records.map(({ id }) => world.names(id)))).toEqual(before);
    expect((await world.workers.get(worker)).counts.rejected).toBe(7);
  });

  it('are each on their own: a malformed one sinks no other', async () => {
    const { worker, id, epoch } = await claimed();
    const bad = [
      null,
      { id, epoch: 0, outcome: 'complete' },
      { id, epoch, outcome: 'done' },
      { id, epoch, outcome: 'error' },
      { id, epoch, outcome: 'complete', stdout: 7 },
      { id, epoch, outcome: 'complete', result: { big: 1n } },
      { id, epoch, outcome: 'complete', surprise: true },
    ] as unknown as Result[];
    const outcomes = await report(worker, ...bad, { id, epoch, outcome: 'complete' });
    expect(outcomes.map((each) => ('code' in each ? each.code : each.outcome))).toEqual([
      ...bad.map(() => 'INVALID_DATA'),
      'accepted',
    ]);
    expect(await world.names(id)).toBe('create claim finish');
  });

  it('are refused as a whole where they are too many, or no list', async () => {
    const { worker, id, epoch } = await claimed();
    const many = Array.from({ length: 201 }, () => ({ id, epoch, outcome: 'complete' }) as const);
    await expect(report(worker, ...many)).rejects.toThrow(InvalidData);
    const none = { id } as unknown as Result[];
    await expect(world.workers.report(worker, none)).rejects.toThrow(InvalidData);
    expect((await world.job(id)).state).toBe('running');
  });

  it('with an output above the limit leave the job running', async () => {
    const { worker, id, epoch } = await claimed();
    const manager = await world.open({ limits: { output: 1_000 } });
    const results = [{ id, epoch, outcome: 'complete', stdout: 'x'.repeat(1_001) } as const];
    const outcomes = await manager.workers.report(worker, results);
    expect(outcomes).toMatchObject([{ outcome: 'rejected', code: 'OUTPUT_TOO_LARGE' }]);
    expect((await world.job(id)).state).toBe('running');
  });

  it('reach no job that is not for workers, whatever its machine takes in', async () => {
    const worker = await world.activate();
    await world.manager.pipelines.put('p', { name: 'p' });
    const job = await world.manager.setup(pipelineJob.name, { pipeline: 'p', data: { kind } });
    await job.run();
    const outcomes = await report(worker, { id: job.id, epoch: 1, outcome: 'complete' });
    expect(outcomes).toMatchObject([{ code: 'LEASE_LOST', state: 'RUNNING' }]);
    expect((await world.manager.job(job.id)).state).toBe('RUNNING');
  });

  it('of progress stand on the job while it runs', async () => {
    const { worker, id, epoch } = await claimed();
    const progress = { done: 3, of: 7 };
    expect(
      await world.workers.progress(worker, [
        { id, epoch, progress },
        { id, epoch: epoch + 1, progress },
        { id: unknownId, epoch, progress },
      ]),
    ).toMatchObject([
      { outcome: 'accepted', state: 'running' },
      { outcome: 'rejected', code: 'LEASE_LOST', state: 'running' },
      { outcome: 'rejected', code: 'JOB_NOT_FOUND' },
    ]);
    expect((await world.job(id)).context).toMatchObject({ progress });
  });

  it('of progress fill no history so far that a result finds no room', async () => {
    const few = await world.open({ limits: { history: 20 } });
    const { id } = await few.setup('record', { data: { tag: world.newTag(), long: kind } });
    const { name } = await few.workers.activate({ tags: ['*'] });
    await few.engine.projector.flush();
    const [claimed] = await few.workers
      .claim(name, { limit: 200 })
      .then((all) => all.filter((each) => each.id === id));
    const held = { id, epoch: claimed?.epoch ?? 0 };
    const outcomes: string[] = [];
    for (let step = 0; step < 30; step += 1) {
      const [outcome] = await few.workers.progress(name, [{ ...held, progress: { step } }]);
      outcomes.push(outcome?.outcome === 'rejected' ? outcome.code : 'accepted');
    }
    expect(outcomes[10]).toBe('accepted');
    expect(outcomes.at(-1)).toBe('INVALID_DATA');
    const [told] = await few.workers.report(name, [{ ...held, outcome: 'complete' }]);
    expect(told).toMatchObject({ outcome: 'accepted', state: 'complete' });
    await few.workers.deactivate(name);
  });
});
