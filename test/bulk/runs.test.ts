import { describe, expect, it } from 'vitest';
import { startDriving } from '../../src/bulk/driveRun.ts';
import { resumeRuns } from '../../src/bulk/resumeRuns.ts';
import { loadRun, tellRun } from '../../src/bulk/runLog.ts';
import { StoreUnavailable } from '../../src/errors.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { sendEvents } from '../../src/jobs/sendEvents.ts';
import { stores, useBulkWorld } from './bulkWorld.ts';

const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
};
const waiting = (count: number) => Array.from({ length: count }, () => 'waiting' as const);

describe.each(stores)('a run on the %s store', (name) => {
  const world = useBulkWorld(name);

  it('of 2,500 goes in chunks, and its outcomes are read page by page', async () => {
    const ids = await world.records(...waiting(2_500));
    const { plan } = await world.manager.bulk.plan({ op: 'cancel', ids });
    const { run, counts, outcomes } = await world.manager.bulk.run({ op: 'cancel', ids, plan });
    expect(counts).toMatchObject({ requested: 2_500, updated: 2_500, refused: 0 });
    const expected = ids.map((id, index) => ({
      ...{ index, id, outcome: 'updated', state: 'cancelled' },
    }));
    expect(outcomes).toEqual(expected);
    expect(await collect(world.manager.bulk.outcomes(run ?? ''))).toEqual(expected);
    const names = await world.namesOf(run ?? '');
    expect(names.filter((each) => each === 'advance')).toHaveLength(3);
    const { runs } = await world.manager.bulk.list({ limit: 1 });
    await world.manager.engine.projector.flush();
    expect((await world.manager.bulk.list({ limit: 1 })).runs).toMatchObject([{ run }]);
    expect(runs.length).toBeLessThanOrEqual(1);
  });

  it('is the same one for a request that is repeated under its key', async () => {
    const ids = await world.records('waiting');
    const request = { op: 'cancel', ids };
    const first = await world.manager.bulk.run(request, { key: 'once more' });
    expect(await world.manager.bulk.run(request, { key: 'once more' })).toEqual(first);
    const anew = await world.manager.bulk.run(request);
    expect(anew.run).not.toBe(first.run);
    expect(anew.counts).toMatchObject({ updated: 0, refused: 1 });
  });

  it('is refused under the key of a run for other jobs', async () => {
    const [one = '', two = ''] = await world.records('waiting', 'waiting');
    await world.manager.bulk.run({ op: 'cancel', ids: [one] }, { key: 'used' });
    await expect(
      world.manager.bulk.run({ op: 'cancel', ids: [two] }, { key: 'used' }),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    expect(await world.stateOf(two)).toBe('waiting');
  });

  it('answers its repeat though its filter matches nothing any more', async () => {
    const { bulk } = world.manager;
    const ids = await world.records('invalid', 'invalid');
    const request = { op: 'uninvalidate', q: { type: 'record', state: 'invalid' } };
    const { plan, matched } = await bulk.plan(request);
    expect(matched).toBeGreaterThanOrEqual(ids.length);
    const first = await bulk.run({ ...request, plan }, { key: 'of a filter' });
    expect(first.counts).toMatchObject({ updated: matched });
    expect(await bulk.run({ ...request, plan }, { key: 'of a filter' })).toEqual(first);
  });

  it('is not begun, and crashes nothing, where some of its targets cannot be written', async () => {
    const { engine, bulk } = world.manager;
    const { append } = engine.store;
    const ids = Array.from({ length: 2_500 }, (_none, number) => `none-${number}`);
    const { plan } = await bulk.plan({ op: 'cancel', ids });
    let failures = 1;
    engine.store.append = async (commit) => {
      const isGather = commit.entries[0]?.name === 'gather';
      if (isGather && (failures -= 1) >= 0) throw new StoreUnavailable('a test');
      return append(commit);
    };
    const running = bulk.run({ op: 'cancel', ids, plan }, { key: 'broken' });
    await expect(running).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    engine.store.append = append;
    const repeated = await bulk.run({ op: 'cancel', ids, plan }, { key: 'broken' });
    expect(repeated).toMatchObject({ state: 'failed', progress: { done: 0 } });
  });

  it('takes ids of any characters, a thousand at a time', async () => {
    const ids = ['é'.repeat(200), '"'.repeat(200), '\u0000'.repeat(200), '\ud800'.repeat(200)];
    const many = Array.from({ length: 1_000 }, (_none, index) => ids[index % ids.length] ?? '');
    const { counts } = await world.manager.bulk.run({ op: 'cancel', ids: many });
    expect(counts).toMatchObject({ requested: 1_000, refused: 1_000 });
  });

  it('goes on where nobody waits for it', async () => {
    const ids = await world.records(...waiting(3));
    const answer = await world.manager.bulk.run({ op: 'cancel', ids }, { wait: 0 });
    expect(answer.outcomes ?? []).toHaveLength(answer.state === 'finished' ? 3 : 0);
    await world.manager.engine.bulkRuns.get(answer.run ?? '');
    expect(await world.manager.bulk.read(answer.run ?? '')).toMatchObject({
      ...{ state: 'finished', progress: { done: 3, total: 3 } },
    });
  });

  it('is stopped between two chunks, and the rest stays as it was', async () => {
    const ids = await world.records(...waiting(4_000));
    const { bulk, engine } = world.manager;
    const { plan } = await bulk.plan({ op: 'cancel', ids });
    const { run: begun } = await bulk.run({ op: 'cancel', ids, plan }, { wait: 0 });
    const run = begun ?? '';
    await bulk.stop(run, { reason: 'wrong ones' });
    await engine.bulkRuns.get(run);
    const { state, progress, counts } = await bulk.read(run);
    expect(state).toBe('stopped');
    expect(progress.done).toBeLessThan(4_000);
    expect(progress.done % 1_000).toBe(0);
    expect(counts).toMatchObject({ requested: 4_000, updated: progress.done });
    expect(await collect(bulk.outcomes(run))).toHaveLength(progress.done);
    for (const [index, id] of [ids[0] ?? '', ids.at(-1) ?? ''].entries()) {
      const isDone = index === 0 && progress.done > 0;
      expect(await world.stateOf(id)).toBe(isDone ? 'cancelled' : 'waiting');
    }
    await expect(bulk.stop(run)).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
  });

  it('is taken over from a process that is gone, which is fenced off', async () => {
    const ids = await world.records(...waiting(1_500));
    const { store } = world.options;
    const own = store ? { store: { ...store } } : {};
    const opened = await JobManager.open({ ...world.options, ...own });
    const { engine } = opened;
    // It hangs where it would write down that its first chunk is done.
    let isStuck = (): void => undefined;
    let release = (): void => undefined;
    const stuck = new Promise<void>((resolve) => (isStuck = resolve));
    const released = new Promise<void>((resolve) => (release = resolve));
    const { append } = engine.store;
    engine.store.append = async (commit) => {
      if (commit.entries[0]?.name === 'advance') {
        isStuck();
        await released;
      }
      return append(commit);
    };
    const { plan } = await opened.bulk.plan({ op: 'cancel', ids });
    const { run: begun } = await opened.bulk.run({ op: 'cancel', ids, plan }, { wait: 0 });
    const run = begun ?? '';
    await stuck;
    await engine.projector.flush();
    const rescuer = world.manager.engine;
    const readBeats = async () => ({ now: new Date(), beats: [] });
    await resumeRuns({ ...rescuer, store: { ...rescuer.store, readBeats } });
    await world.manager.engine.bulkRuns.get(run);
    const view = await world.manager.bulk.read(run);
    expect(view).toMatchObject({ state: 'finished', counts: { updated: 1_500, refused: 0 } });
    release();
    await engine.bulkRuns.get(run);
    expect(await world.manager.bulk.read(run)).toEqual(view);
    const names = await world.namesOf(run);
    expect(names.filter((each) => each === 'advance')).toHaveLength(2);
    for (const id of [ids[0], ids[999], ids[1_499]]) {
      expect(await world.namesOf(id ?? '')).toEqual(['create', 'cancel']);
    }
    await opened.close();
  });

  it('is not taken from a process that lives, and takes no word from outside', async () => {
    const [id = ''] = await world.records('waiting');
    const { run } = await world.manager.bulk.run({ op: 'cancel', ids: [id] });
    const { engine } = world.manager;
    const before = await world.logLength();
    await engine.projector.flush();
    await resumeRuns(engine);
    await startDriving(engine, run ?? '');
    expect(await world.logLength()).toBe(before);
    const admin = { actor: { kind: 'admin', id: 'ada' } } as const;
    const forged = await world.manager.setup('bulkRun', {
      data: {
        ...{ op: 'delete', data: { hard: true }, scope: 'self', runner: 'gone', call: 'mine' },
        by: { kind: 'admin', id: 'ada' },
      },
    });
    for (const event of [
      { name: 'gather', json: JSON.stringify({ ids: [id] }) },
      { name: 'begin', json: '{"sharedLeft":0}' },
    ]) {
      const demand = { kind: 'events', events: [event] } as const;
      await expect(
        sendEvents(engine, forged.id, { principal: admin, demand }),
      ).rejects.toMatchObject({ code: 'INVALID_TRANSITION' });
    }
    await engine.projector.flush();
    await resumeRuns(engine);
    expect(await world.stateOf(forged.id)).toBe('failed');
    expect((await loadRun(engine, run ?? '')).state).toBe('finished');
    await expect(tellRun(engine, run ?? '', [{ name: 'take', data: { runner: 'x' } }]))
      .rejects //
      .toMatchObject({ code: 'INVALID_TRANSITION' });
  });
});
