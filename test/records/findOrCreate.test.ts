import type { SetupInput, SetupManyOptions, SetupOutcome } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { storeKinds, useRecordWorld } from './recordWorld.ts';

describe.each(storeKinds)('finding or creating many records in %s', (kind) => {
  const world = useRecordWorld(kind);
  let batches = 0;
  const inputsOf = (count: number, more: object = {}): SetupInput[] => {
    batches += 1;
    const batch = batches;
    return Array.from({ length: count }, (_, nr) => ({ data: { batch, nr, ...more } }));
  };
  const setupMany = (inputs: readonly SetupInput[], options?: SetupManyOptions) =>
    world.manager.setupMany('record', inputs, options);
  const idOf = (outcome: SetupOutcome<{ id: string }> | undefined): string =>
    outcome && outcome.outcome !== 'refused' ? outcome.job.id : '';
  const show = (outcomes: readonly SetupOutcome<{ state: string }>[]): string[] =>
    outcomes.map((each) => {
      if (each.outcome === 'refused') return `refused ${each.error.code}`;
      const stopped = each.outcome === 'existing' && each.stopped ? ` ${each.stopped}` : '';
      return `${each.outcome} ${each.job.state}${stopped}`;
    });
  /** A record for each way of being stopped, and one that is not. */
  async function stoppedRecords() {
    const inputs = inputsOf(5);
    const ids = (await setupMany(inputs)).map(idOf);
    const [cancelled = '', deleted = '', invalid = '', both = ''] = ids;
    const send = async (id: string, ...names: string[]): Promise<void> => {
      for (const name of names) await (await world.manager.job(id)).send(name);
    };
    await send(cancelled, 'cancel');
    await send(deleted, 'delete');
    await world.run(invalid);
    await send(invalid, 'invalidate');
    await send(both, 'cancel', 'delete');
    return { inputs, ids };
  }

  it('finds the second time what it created the first', async () => {
    const inputs = inputsOf(3);
    const first = await setupMany(inputs);
    const second = await setupMany(inputs);
    expect(show(first)).toEqual(Array(3).fill('created waiting'));
    expect(show(second)).toEqual(Array(3).fill('existing waiting'));
    expect(second.map(idOf)).toEqual(first.map(idOf));
  });

  it('finds within one call what stands in it twice', async () => {
    const [one = {}, other = {}] = inputsOf(2);
    const outcomes = await setupMany([one, other, one]);
    expect(show(outcomes)).toEqual(['created waiting', 'created waiting', 'existing waiting']);
    expect(idOf(outcomes[2])).toBe(idOf(outcomes[0]));
  });

  it('creates new ones each time where nothing is to be found', async () => {
    const [input = {}] = inputsOf(1);
    const again = await setupMany([input, input], { findExisting: false });
    const own = await setupMany([{ ...input, findExisting: true }, input], { findExisting: false });
    expect(show([...again, ...own])).toEqual(Array(4).fill('created waiting'));
    expect(new Set([...again, ...own].map(idOf)).size).toBe(4);
    expect(show(await setupMany([input]))).toEqual(['existing waiting']);
  });

  it('leaves tag and priority of what it finds as they are', async () => {
    const [input = {}] = inputsOf(1);
    const data = { ...input.data, tag: 'gpu', priority: 'high' };
    await setupMany([{ data: { ...input.data, tag: 'cpu', priority: 7 } }]);
    const [found] = await setupMany([{ data }]);
    expect(found?.outcome === 'existing' && found.job.context).toMatchObject({
      tag: 'cpu',
      priority: 7,
    });
  });

  it('says of what is stopped that it was kept so', async () => {
    const { inputs } = await stoppedRecords();
    const expected = ['cancelled', 'deleted', 'invalid', 'deleted'].map(
      (state) => `existing ${state} kept`,
    );
    expect(show(await setupMany(inputs))).toEqual([...expected, 'existing waiting']);
    expect(show(await setupMany(inputs, { stopped: 'keep' }))).toContain('existing deleted kept');
  });

  it('restores what is deleted or cancelled where it is asked to, but nothing that is invalid', async () => {
    const { inputs, ids } = await stoppedRecords();
    const twice = [...inputs, ...inputs];
    const outcomes = show(await setupMany(twice, { stopped: 'restore' }));
    expect(outcomes.slice(0, 5)).toEqual([
      'existing waiting restored',
      'existing waiting restored',
      'existing invalid kept',
      'existing waiting restored',
      'existing waiting',
    ]);
    expect(outcomes.slice(5).map((each) => each.replace(' restored', ''))).toEqual(
      outcomes.slice(0, 5).map((each) => each.replace(' restored', '')),
    );
    const { entries } = await (await world.manager.job(ids[3] ?? '')).history();
    const names = entries.map(({ name }) => name).join(' ');
    expect(names).toBe('create cancel delete undelete uncancel');
  });

  it('refuses what is stopped where it is asked to, and nothing else', async () => {
    const { inputs } = await stoppedRecords();
    const outcomes = await setupMany([...inputs, ...inputsOf(1)], { stopped: 'refuse' });
    expect(show(outcomes)).toEqual([
      ...Array<string>(4).fill('refused INVALID_TRANSITION'),
      'existing waiting',
      'created waiting',
    ]);
    const [first] = outcomes;
    expect(first?.outcome === 'refused' && first.error).toMatchObject({
      from: 'cancelled',
      allowed: ['uncancel'],
    });
  });

  it('refuses an option that it does not know, and what is no set-up', async () => {
    await expect(setupMany([], { stopped: 'revive' as never })).rejects.toMatchObject({
      code: 'INVALID_DATA',
    });
    const outcomes = await setupMany([null as never, 'x' as never], { findExisting: false });
    expect(show(outcomes)).toEqual(Array(2).fill('refused INVALID_DATA'));
  });
});
