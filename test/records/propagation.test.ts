import type { BulkRequest } from '../../src/bulk/bulkRequest.ts';
import { describe, expect, it } from 'vitest';
import { waitUntil } from '../support/waitUntil.ts';
import { storeKinds, useRecordWorld } from './recordWorld.ts';

/** The cases on propagation in cases/qcfractal-records.md, by their numbers. */
describe.each(storeKinds)('an operation among parents and children in %s', (kind) => {
  const world = useRecordWorld(kind);

  async function family(count: number) {
    const { id: parent } = await world.newRecord({ data: { awaits: 'children' } });
    const children: string[] = [];
    for (let n = 0; n < count; n += 1) {
      children.push((await world.newRecord({ parents: parent })).id);
    }
    return { parent, children, all: [parent, ...children] };
  }
  const act = async (op: string, id: string, more: Partial<BulkRequest> = {}) => {
    const token = world.manager.issueToken({ kind: 'admin', subject: 'ada' }).token;
    const asked = { op, ids: [id], reason: 'a case', ...more };
    const { counts } = await world.manager.bulk.run(asked, { token });
    expect(counts).toMatchObject({ requested: 1, refused: 0 });
    return counts;
  };
  const become = async (ids: readonly string[], states: string): Promise<void> => {
    const found = async (): Promise<string | true> => {
      const now = (await world.statesOf(ids)).join(' ');
      return now === states || now;
    };
    await waitUntil(`to be ${states}`, found, 10_000, 10);
  };
  /** Nothing follows any more from what was done. */
  const settle = (): Promise<void> => world.manager.maintain();

  it('37: cancels the children of a running parent that have not ended, and restores just these', async () => {
    const { parent, children, all } = await family(3);
    await world.run(children[0] ?? '');
    await become(all, 'running complete waiting waiting');
    const cancelled = await act('cancel', parent, { scope: 'usual' });
    await settle();
    expect((await world.statesOf(all)).join(' ')).toBe('cancelled complete cancelled cancelled');
    const restored = await act('uncancel', parent, { scope: 'usual' });
    await settle();
    expect((await world.statesOf(all)).join(' ')).toBe('waiting complete waiting waiting');
    expect([cancelled.relatives.updated, restored.relatives.updated]).toEqual([2, 2]);
  });

  it('38: cancels the parent and the siblings with a child, where it is asked to as usual', async () => {
    const { children, all } = await family(2);
    const { relatives } = await act('cancel', children[0] ?? '', { scope: 'usual' });
    expect(relatives.updated).toBe(2);
    expect((await world.statesOf(all)).join(' ')).toBe('cancelled cancelled cancelled');
  });

  it('39, 40: cancels the parent alone with a child, and restores neither by the other', async () => {
    const { parent, children, all } = await family(3);
    const [child = ''] = children;
    await act('cancel', child, { scope: 'ancestors' });
    await settle();
    expect((await world.statesOf(all)).join(' ')).toBe('cancelled cancelled waiting waiting');
    await act('uncancel', child);
    expect((await world.statesOf(all)).join(' ')).toBe('cancelled waiting waiting waiting');
    await act('uncancel', parent);
    await settle();
    expect((await world.statesOf(all)).join(' ')).toBe('waiting waiting waiting waiting');
  });

  it('41: invalidates a complete parent with its child, and restores both from the parent', async () => {
    const { parent, children, all } = await family(2);
    for (const child of children) await world.run(child);
    await become(all, 'complete complete complete');
    await act('invalidate', children[0] ?? '', { scope: 'usual' });
    await settle();
    expect((await world.statesOf(all)).join(' ')).toBe('invalid invalid complete');
    await act('uninvalidate', parent, { scope: 'usual' });
    await settle();
    expect((await world.statesOf(all)).join(' ')).toBe('complete complete complete');
  });

  it('44: ends a parent in error once all children have ended, and queues the failed ones again with it', async () => {
    const { parent, children, all } = await family(3);
    const [failed = '', second = '', third = ''] = children;
    await world.run(failed, 'fail');
    await become(all, 'running error waiting waiting');
    await world.run(second);
    await world.run(third);
    await become(all, 'error error complete complete');
    const { relatives } = await act('reset', parent, { scope: 'usual' });
    expect(relatives).toMatchObject({ updated: 1, refused: 0 });
    await settle();
    expect((await world.statesOf(all)).join(' ')).toBe('waiting waiting complete complete');
    await world.run(failed);
    await become(all, 'complete complete complete complete');
  });

  it('45: deletes a parent for good without its children, or with them', async () => {
    const alone = await family(2);
    await act('delete', alone.parent, { data: { hard: true } });
    await expect(world.manager.job(alone.parent)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    expect(await world.statesOf(alone.children)).toEqual(['waiting', 'waiting']);
    const whole = await family(3);
    const { relatives } = await act('delete', whole.parent, {
      data: { hard: true },
      scope: 'descendants',
    });
    expect(relatives.updated).toBe(3);
    expect(await world.manager.jobs(whole.all, { missingOk: true })).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('does not end a parent by children that were cancelled a moment before they are restored', async () => {
    for (let trial = 0; trial < 10; trial += 1) {
      const { parent, all } = await family(2);
      await act('cancel', parent, { scope: 'descendants' });
      await act('uncancel', parent, { scope: 'descendants' });
      await settle();
      expect((await world.statesOf(all)).join(' ')).toBe('waiting waiting waiting');
    }
  });
});
