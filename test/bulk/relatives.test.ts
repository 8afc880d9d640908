import { describe, expect, it } from 'vitest';
import { stores, useBulkWorld } from './bulkWorld.ts';

describe.each(stores)('relatives in an operation on the %s store', (name) => {
  const world = useBulkWorld(name);
  const statesOf = (...ids: readonly string[]) => Promise.all(ids.map((id) => world.stateOf(id)));

  /** grandparent → parent → two children, one of them complete. */
  async function family() {
    const [top = ''] = await world.records('waiting');
    const parent = await world.child([top], { awaits: 'children' });
    const one = await world.child([parent]);
    const done = await world.child([parent]);
    const worker = { worker: 'w' };
    await (await world.manager.job<'record'>(done)).claim(worker).finish();
    return { top, parent, one, done };
  }

  it('are left alone unless told otherwise', async () => {
    const { top, parent, one, done } = await family();
    const { counts } = await world.manager.bulk.run({ op: 'cancel', ids: [parent] });
    expect(counts.relatives).toEqual({ updated: 0, unchanged: 0, refused: 0, sharedLeft: 0 });
    expect(await statesOf(top, parent, one, done)).toEqual([
      'waiting',
      'cancelled',
      'waiting',
      'complete',
    ]);
  });

  it('are those that are usual for the operation, and counted apart', async () => {
    const { top, parent, one, done } = await family();
    const usual = { ids: [parent], scope: 'usual' } as const;
    const cancelled = await world.manager.bulk.run({ op: 'cancel', ...usual });
    expect(cancelled.counts).toMatchObject({
      updated: 1,
      relatives: { updated: 2, unchanged: 1, refused: 0, sharedLeft: 0 },
    });
    expect(await statesOf(top, parent, one, done)).toEqual([
      'cancelled',
      'cancelled',
      'cancelled',
      'complete',
    ]);
    const restored = await world.manager.bulk.run({ op: 'uncancel', ...usual });
    expect(restored.counts.relatives).toMatchObject({ updated: 1, unchanged: 1 });
    expect(await statesOf(top, parent, one)).toEqual(['cancelled', 'waiting', 'waiting']);
  });

  it('are the parents of what is invalidated', async () => {
    const [parent = ''] = await world.records('complete');
    const child = await world.child([parent]);
    const sibling = await world.child([parent]);
    await (await world.manager.job<'record'>(child)).claim({ worker: 'w' }).finish();
    const { counts } = await world.manager.bulk.run({
      op: 'invalidate',
      ids: [child],
      scope: 'usual',
    });
    expect(counts).toMatchObject({ updated: 1, relatives: { updated: 1, unchanged: 0 } });
    expect(await statesOf(parent, child, sibling)).toEqual(['invalid', 'invalid', 'waiting']);
  });

  it('that others have as well are left out, and told', async () => {
    const [one = '', other = ''] = await world.records('waiting', 'waiting');
    const shared = await world.child([one, other]);
    const own = await world.child([one]);
    const scope = 'descendants';
    const { counts } = await world.manager.bulk.run({ op: 'cancel', ids: [one], scope });
    expect(counts.relatives).toEqual({ updated: 1, unchanged: 0, refused: 0, sharedLeft: 1 });
    expect(await statesOf(shared, own)).toEqual(['waiting', 'cancelled']);
    const both = { op: 'cancel', ids: [other, one], scope } as const;
    expect((await world.manager.bulk.run(both)).counts.relatives).toMatchObject({ updated: 1 });
    expect(await statesOf(shared)).toEqual(['cancelled']);
  });

  it('come in the order that keeps parents from seeing them ended', async () => {
    const { parent, one } = await family();
    const seqs = async (op: string, ids: readonly string[]) => {
      await world.manager.bulk.run({ op, ids });
      const times = ids.map(async (id) => (await world.manager.engine.store.readHead(id))?.nonce);
      return Promise.all(times);
    };
    // The child is asked for first, and its parent is cancelled first all the same.
    const [childAt = 0, parentAt = 0] = await seqs('cancel', [one, parent]);
    expect(parentAt).toBeLessThan(childAt);
    const [restoredParent = 0, restoredChild = 0] = await seqs('uncancel', [parent, one]);
    expect(restoredChild).toBeLessThan(restoredParent);
  });

  it('keep a child from being deleted for good before its parents', async () => {
    const [parent = '', free = ''] = await world.records('waiting', 'waiting');
    const child = await world.child([parent]);
    const hard = { op: 'delete', data: { hard: true } } as const;
    expect(await world.run({ ...hard, ids: [child, free] })).toEqual([
      {
        ...{ index: 0, id: child, outcome: 'refused' },
        ...{ code: 'STILL_REFERENCED', state: 'waiting' },
      },
      { index: 1, id: free, outcome: 'updated' },
    ]);
    const both = await world.run({ ...hard, ids: [child, parent] });
    expect(both.map(({ outcome }) => outcome)).toEqual(['updated', 'updated']);
  });

  it('are deleted for good with their parents where that is asked for', async () => {
    const { top, parent, one, done } = await family();
    const { token } = world.manager.issueToken({ kind: 'admin', subject: 'ada' });
    const hard = { op: 'delete', data: { hard: true }, ids: [top] } as const;
    const { counts } = await world.manager.bulk.run({ ...hard, scope: 'descendants' }, { token });
    expect(counts).toMatchObject({ updated: 1, relatives: { updated: 3, refused: 0 } });
    for (const id of [top, parent, one, done]) {
      await expect(world.manager.job(id)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    }
  });

  it('stay where only their parent is deleted for good', async () => {
    const { top, parent } = await family();
    const outcomes = await world.run({ op: 'delete', data: { hard: true }, ids: [top] });
    expect(outcomes).toMatchObject([{ outcome: 'updated' }]);
    expect(await world.stateOf(parent)).toBe('waiting');
  });

  it('of a dataset keep a record from being deleted for good', async () => {
    const [id = ''] = await world.records('complete');
    const { store } = world.manager.engine;
    await store.addItems('set', [{ entry: 'e', specification: 's', job: id }]);
    const hard = { op: 'delete', data: { hard: true } } as const;
    expect(await world.run({ ...hard, ids: [id] })).toMatchObject([
      { outcome: 'refused', code: 'STILL_REFERENCED' },
    ]);
  });
});
