import { describe, expect, it } from 'vitest';
import { states, stores, useBulkWorld, type State } from './bulkWorld.ts';

const missing = '00000000-0000-5000-8000-000000000000';

/** Operation → state before → state after, where it is legal. */
const table: Readonly<Record<string, Partial<Record<State, State>>>> = {
  cancel: { waiting: 'cancelled', running: 'cancelled', error: 'cancelled' },
  reset: { error: 'waiting' },
  uncancel: { cancelled: 'waiting' },
  invalidate: { complete: 'invalid' },
  uninvalidate: { invalid: 'complete' },
  undelete: { deleted: 'waiting' },
  delete: {
    waiting: 'deleted',
    running: 'deleted',
    error: 'deleted',
    complete: 'deleted',
    cancelled: 'deleted',
    invalid: 'deleted',
  },
};

describe.each(stores)('an operation on many records on the %s store', (name) => {
  const world = useBulkWorld(name);

  it.each(Object.entries(table))(
    '%s is done where the state admits it, and refused per index elsewhere',
    async (op, legal) => {
      const ids = await world.records(...states);
      const { run, counts, outcomes } = await world.manager.bulk.run({
        op,
        ids,
        reason: 'tidy up',
      });
      expect(outcomes).toEqual(
        states.map((state, index) => ({
          index,
          id: ids[index],
          ...(legal[state] === undefined
            ? { outcome: 'refused', code: 'INVALID_TRANSITION', state }
            : { outcome: 'updated', state: legal[state] }),
        })),
      );
      const updated = Object.keys(legal).length;
      expect(counts).toMatchObject({
        requested: 7,
        updated,
        unchanged: 0,
        refused: 7 - updated,
        byCode: { INVALID_TRANSITION: 7 - updated },
      });
      for (const [index, state] of states.entries()) {
        const id = ids[index] ?? '';
        expect(await world.stateOf(id)).toBe(legal[state] ?? state);
        const names = await world.namesOf(id);
        expect(names.filter((each) => each === op)).toHaveLength(
          (legal[state] ? 1 : 0) +
            (op === 'cancel' && state === 'cancelled' ? 1 : 0) +
            (op === 'invalidate' && state === 'invalid' ? 1 : 0) +
            (op === 'delete' && state === 'deleted' ? 1 : 0),
        );
      }
      const place = states.findIndex((state) => legal[state] !== undefined);
      const job = await world.manager.job(ids[place] ?? '');
      const { entries } = await job.history();
      expect(entries.at(-1)).toMatchObject({
        name: op,
        actor: { kind: 'operator', id: 'library' },
        data: { reason: 'tidy up', bulk: run },
      });
    },
  );

  it('deletes for good in every state, also while running', async () => {
    const ids = await world.records(...states);
    const outcomes = await world.run({ op: 'delete', ids, data: { hard: true } });
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(states.map(() => 'updated'));
    for (const id of ids) {
      await expect(world.manager.job(id)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
    }
  });

  it('takes what is there and tells what is missing', async () => {
    const [id = ''] = await world.records('error');
    const { counts, outcomes } = await world.manager.bulk.run({ op: 'reset', ids: [id, missing] });
    expect(outcomes).toEqual([
      { index: 0, id, outcome: 'updated', state: 'waiting' },
      { index: 1, id: missing, outcome: 'refused', code: 'JOB_NOT_FOUND' },
    ]);
    expect(counts).toMatchObject({ requested: 2, updated: 1, refused: 1 });
  });

  it('does nothing at all for an empty list', async () => {
    const before = await world.logLength();
    const answer = await world.manager.bulk.run({ op: 'cancel', ids: [] });
    expect(answer).toEqual({
      run: null,
      state: 'finished',
      progress: { done: 0, total: 0 },
      counts: {
        ...{ requested: 0, updated: 0, unchanged: 0, refused: 0, byCode: {} },
        relatives: { updated: 0, unchanged: 0, refused: 0, sharedLeft: 0 },
      },
      outcomes: [],
    });
    expect(await world.logLength()).toBe(before);
  });

  it('takes a missing job for deleted for good, but not for put away', async () => {
    const [one = '', other = ''] = await world.records('waiting', 'waiting');
    expect(await world.run({ op: 'delete', ids: [one, missing], data: { hard: true } })).toEqual([
      { index: 0, id: one, outcome: 'updated' },
      { index: 1, id: missing, outcome: 'unchanged', code: 'JOB_NOT_FOUND' },
    ]);
    expect(await world.run({ op: 'delete', ids: [other, missing] })).toEqual([
      { index: 0, id: other, outcome: 'updated', state: 'deleted' },
      { index: 1, id: missing, outcome: 'refused', code: 'JOB_NOT_FOUND' },
    ]);
  });

  it('tells duplicates and what is no id apart, and changes a job once', async () => {
    const [id = ''] = await world.records('waiting');
    const ids = [id, '', id, 'a\nb', 7 as unknown as string, id];
    const { counts, outcomes } = await world.manager.bulk.run({
      op: 'comment',
      ids,
      data: { text: 'seen' },
    });
    expect(outcomes?.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['updated', undefined],
      ['refused', 'INVALID_DATA'],
      ['unchanged', 'DUPLICATE'],
      ['refused', 'INVALID_DATA'],
      ['refused', 'INVALID_DATA'],
      ['unchanged', 'DUPLICATE'],
    ]);
    expect(counts).toMatchObject({ updated: 1, unchanged: 2, refused: 3 });
    expect(await world.namesOf(id)).toEqual(['create', 'comment']);
  });

  it('sends any event of the machine, with the data that is given', async () => {
    const ids = await world.records('waiting', 'complete');
    const { outcomes } = await world.manager.bulk.run({
      op: 'modify',
      ids,
      data: { tag: 'GPU', priority: 'high' },
    });
    expect(outcomes?.map(({ outcome }) => outcome)).toEqual(['updated', 'refused']);
    const job = await world.manager.job(ids[0] ?? '');
    expect(job.context).toMatchObject({ tag: 'gpu', priority: 750 });
  });

  it('refuses an event that no machine has, and a right that is missing', async () => {
    const ids = await world.records('waiting');
    const { bulk } = world.manager;
    await expect(bulk.run({ op: 'explode', ids })).rejects.toMatchObject({ code: 'UNKNOWN_EVENT' });
    await expect(bulk.run({ op: 'cancel' })).rejects.toMatchObject({ code: 'INVALID_DATA' });
    await expect(bulk.run({ op: 'delete', ids, data: { hard: true } })).rejects.toMatchObject({
      code: 'ADMIN_REQUIRED',
    });
    const { token } = world.manager.issueToken({ kind: 'reader', subject: 'rita' });
    await expect(bulk.run({ op: 'cancel', ids }, { token })).rejects.toMatchObject({
      code: 'FORBIDDEN',
    });
  });

  it('says in its own history who asked for what and why', async () => {
    const ids = await world.records('waiting', 'waiting');
    const { token } = world.manager.issueToken({ kind: 'operator', subject: 'otto' });
    const { run } = await world.manager.bulk.run({ op: 'cancel', ids, reason: 'full' }, { token });
    const job = await world.manager.job(run ?? '');
    const { entries } = await job.history();
    expect(entries.map(({ name: event }) => event).join(' ')).toBe(
      'create gather begin advance finish',
    );
    expect(entries[0]).toMatchObject({
      actor: { kind: 'operator', id: 'otto' },
      data: { op: 'cancel', reason: 'full', by: { kind: 'operator', id: 'otto' } },
    });
    expect(entries[1]).toMatchObject({ data: { ids } });
    expect(await world.manager.bulk.read(run ?? '')).toMatchObject({
      ...{ run, state: 'finished', op: 'cancel', scope: 'self', reason: 'full' },
      by: { kind: 'operator', id: 'otto' },
      progress: { done: 2, total: 2 },
    });
  });
});
