import type { JobManager } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { startParents } from '../../src/records/settleParents.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { storeKinds, useRecordWorld, type RecordHandle } from './recordWorld.ts';

describe.each(storeKinds)('a parent that follows its children in %s', (kind) => {
  const world = useRecordWorld(kind);

  async function family(children: number, parents?: string) {
    const parent = await world.newRecord({ data: { awaits: 'children' }, parents });
    const ids: string[] = [];
    for (let n = 0; n < children; n += 1) {
      ids.push((await world.newRecord({ parents: parent.id })).id);
    }
    return { parent: parent.id, children: ids };
  }
  const recordOf = (id: string): Promise<RecordHandle> => world.manager.job<'record'>(id);
  const settled = async (id: string, state: string): Promise<void> => {
    const found = async (): Promise<string | true> => {
      const now = await world.stateOf(id);
      return now === state || now;
    };
    await waitUntil(`${id} to be ${state}`, found, 10_000, 10);
  };
  const errorOf = async (id: string): Promise<unknown> =>
    ((await recordOf(id)).context as { error: unknown }).error;
  const namesOf = async (id: string): Promise<string> =>
    (await (await recordOf(id)).history()).entries.map(({ name }) => name).join(' ');

  it('is complete once all are, begun when the first is', async () => {
    const { parent, children } = await family(3);
    const [first = '', second = '', third = ''] = children;
    await world.run(first);
    await settled(parent, 'running');
    await world.run(second);
    await world.manager.maintain();
    expect(await world.stateOf(parent)).toBe('running');
    await world.run(third);
    await settled(parent, 'complete');
    expect(await namesOf(parent)).toBe('create start settle');
  });

  it('is begun with the first that is claimed, and takes that once', async () => {
    const { parent, children } = await family(2);
    const { engine } = world.manager;
    await startParents(engine, [parent, parent, children[0] ?? '', 'a document']);
    await startParents(engine, [parent]);
    expect(await namesOf(parent)).toBe('create start');
  });

  it('is no worker’s to take', async () => {
    const { parent } = await family(0);
    const job = await recordOf(parent);
    await expect(job.claim({ worker: 'willow' })).rejects.toThrow('guard');
    await world.manager.maintain();
    expect(await world.stateOf(parent)).toBe('waiting');
  });

  it('goes on while others run though one failed, and ends in error when all have ended', async () => {
    const { parent, children } = await family(3);
    const [first = '', second = '', third = ''] = children;
    await world.run(first, 'fail');
    await world.run(second);
    await world.manager.maintain();
    expect(await world.stateOf(parent)).toBe('running');
    await world.run(third);
    await settled(parent, 'error');
    const message = 'not all children are complete: 2 complete, 1 error';
    expect(await errorOf(parent)).toEqual({ type: 'children_failed', message });
    await (await recordOf(first)).send('reset');
    await (await recordOf(parent)).send('reset');
    await world.manager.maintain();
    expect(await world.statesOf([parent, ...children])).toEqual([
      'waiting',
      'waiting',
      'complete',
      'complete',
    ]);
    expect(await errorOf(parent)).toBeNull();
    await world.run(first);
    await settled(parent, 'complete');
  });

  it('is in error again when it alone is reset', async () => {
    const { parent, children } = await family(1);
    await world.run(children[0] ?? '', 'fail');
    await settled(parent, 'error');
    await (await recordOf(parent)).send('reset');
    await world.manager.maintain();
    await settled(parent, 'error');
    expect(await namesOf(parent)).toBe('create settle reset settle');
  });

  it('does not hang where children are put away or invalid, and says which', async () => {
    const { parent, children } = await family(3);
    const [first = '', second = '', third = ''] = children;
    await world.run(first);
    await (await recordOf(first)).send('invalidate');
    await (await recordOf(second)).send('cancel');
    await world.manager.maintain();
    expect(await world.stateOf(parent)).toMatch(/waiting|running/);
    await (await recordOf(third)).send('delete');
    await settled(parent, 'error');
    const { message } = (await errorOf(parent)) as { message: string };
    for (const part of ['1 invalid', '1 cancelled', '1 deleted']) expect(message).toContain(part);
  });

  it('follows the children that are left when one is deleted for good', async () => {
    const { parent, children } = await family(2);
    const [first = '', second = ''] = children;
    await world.run(first);
    await settled(parent, 'running');
    const { token } = world.manager.issueToken({ kind: 'admin', subject: 'ada' });
    await (await world.manager.job(second, { token })).delete({ reason: 'not wanted' });
    await settled(parent, 'complete');
  });

  it('holds up no deletion for good of a child that has just ended', async () => {
    const { parent, children } = await family(2);
    const [first = '', second = ''] = children;
    await world.run(first);
    const { token } = world.manager.issueToken({ kind: 'admin', subject: 'ada' });
    const gone = await world.manager.job(second, { token });
    await gone.send('cancel');
    // Before lists have the cancellation.
    await gone.delete({ reason: 'not wanted' });
    await settled(parent, 'complete');
  });

  it('tells its own parent when it ends', async () => {
    const top = await family(0);
    const middle = await family(1, top.parent);
    const bottom = await family(1, middle.children[0] ? middle.parent : undefined);
    await world.run(middle.children[0] ?? '');
    await settled(middle.parent, 'running');
    await world.run(bottom.children[0] ?? '');
    await settled(bottom.parent, 'complete');
    await settled(middle.parent, 'complete');
    await settled(top.parent, 'complete');
  });

  it('looks at its children when it waits again', async () => {
    const { parent, children } = await family(2);
    const [first = '', second = ''] = children;
    await (await recordOf(parent)).send('cancel');
    await world.run(first);
    await world.run(second);
    await world.manager.maintain();
    expect(await world.stateOf(parent)).toBe('cancelled');
    await (await recordOf(parent)).send('uncancel');
    await settled(parent, 'complete');
  });

  it('is settled whichever two processes end its last two children at once', async () => {
    const other: JobManager = await world.open();
    const trials = kind === 'memory' ? 60 : 30;
    const families = await Promise.all(Array.from({ length: trials }, () => family(2)));
    await Promise.all(
      families.flatMap(({ children: [one = '', two = ''] }) =>
        [
          { id: one, manager: world.manager },
          { id: two, manager: other },
        ].map(async ({ id, manager }) =>
          (await manager.job<'record'>(id)).claim({ worker: 'willow' }).finish(),
        ),
      ),
    );
    await Promise.all(families.map(({ parent }) => settled(parent, 'complete')));
    const settles = await Promise.all(
      families.map(async ({ parent }) => (await namesOf(parent)).match(/settle/g)?.length),
    );
    expect(new Set(settles)).toEqual(new Set([1]));
  });
});
