import { DatasetNotFound, InvalidData, type JobManager } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { storeKinds, useRecordWorld } from './recordWorld.ts';

describe.each(storeKinds)('datasets in %s', (kind) => {
  const world = useRecordWorld(kind);
  let made = 0;
  /** A dataset of `entries` entries and the specifications `fast` and `good`. */
  async function dataset(entries: number, more: object = {}): Promise<string> {
    made += 1;
    const name = `set ${kind} ${made}`;
    const specifications = {
      good: { input: { method: 'mp2', name, options: { grid: 3 } } },
      fast: { input: { method: 'hf', name } },
    };
    await world.manager.datasets.create({ name, specifications, ...more });
    await world.manager.datasets.addEntries(name, entriesOf(entries));
    return name;
  }
  const entriesOf = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      name: `e${String(n).padStart(5, '0')}`,
      data: { input: { molecule: n } },
    }));
  const counted = { kept: 0, restored: 0, refused: [] };
  const dataOf = async (manager: JobManager, id: string): Promise<unknown> =>
    (await manager.job(id)).data;

  it('are created once, listed, shown and removed', async () => {
    const { datasets } = world.manager;
    const name = await dataset(2, { description: 'small', tag: 'GPU', priority: 'high' });
    const again = await datasets.create({ name, description: 'other' });
    expect(again).toMatchObject({
      created: false,
      description: 'small',
      tag: 'gpu',
      priority: 750,
    });
    expect(await datasets.get(name)).toMatchObject({ name, type: 'record', entries: 2 });
    const { datasets: page } = await datasets.list({ limit: 1 });
    expect(page).toHaveLength(1);
    expect(page[0]).not.toHaveProperty('specifications');
    await datasets.remove(name);
    await expect(datasets.get(name)).rejects.toThrow(DatasetNotFound);
    await expect(datasets.remove(name)).rejects.toThrow(DatasetNotFound);
  });

  it('refuse a machine that is not there, and what is no name', async () => {
    const { datasets } = world.manager;
    await expect(datasets.create({ name: 'x', type: 'nothing' })).rejects.toMatchObject({
      code: 'UNKNOWN_MACHINE',
    });
    await expect(datasets.create({ name: 'a\nb' })).rejects.toThrow(InvalidData);
    await expect(datasets.get(undefined as never)).rejects.toThrow(DatasetNotFound);
    await expect(datasets.submit('nothing')).rejects.toThrow(DatasetNotFound);
  });

  it('tell which names are new, and leave the others as they are', async () => {
    const { datasets } = world.manager;
    const name = await dataset(1);
    const entries = [
      { name: 'e00000', data: { other: true } },
      { name: 'new' },
      { name: 'new', data: {} },
    ];
    expect(await datasets.addEntries(name, entries)).toEqual({
      added: ['new'],
      existing: ['e00000', 'new'],
    });
    expect(await datasets.addSpecifications(name, { fast: {}, slow: {} })).toEqual({
      added: ['slow'],
      existing: ['fast'],
    });
    expect((await datasets.get(name)).specifications['fast']).toMatchObject({
      input: { method: 'hf' },
    });
  });

  it('set up a record for each pair: the specification with the entry merged in', async () => {
    const { datasets } = world.manager;
    const name = await dataset(0, { tag: 'cpu', priority: 3 });
    const data = { input: { molecule: 1, options: { grid: 5 } }, priority: 9 };
    await datasets.addEntries(name, [{ name: 'water', data }]);
    expect(await datasets.submit(name)).toEqual({
      ...{ submitted: 2, existing: 0, already: 0 },
      ...counted,
    });
    const { items } = await datasets.items(name);
    expect(items.map(({ specification, entry, state }) => [specification, entry, state])).toEqual([
      ['fast', 'water', 'waiting'],
      ['good', 'water', 'waiting'],
    ]);
    expect(await dataOf(world.manager, items[1]?.job ?? '')).toEqual({
      input: { method: 'mp2', name, molecule: 1, options: { grid: 5 } },
      tag: 'cpu',
      priority: 9,
    });
    const other = await dataset(1);
    await datasets.submit(other, { tag: 'gpu', priority: 'low', specifications: ['fast'] });
    const [first] = (await datasets.items(other)).items;
    expect(await dataOf(world.manager, first?.job ?? '')).toMatchObject({
      tag: 'gpu',
      priority: 250,
    });
  });

  it('go on where a submission was broken off, and find what others have set up', async () => {
    const { datasets } = world.manager;
    const name = await dataset(4);
    const part = await datasets.submit(name, { entries: ['e00001', 'e00000'] });
    expect(part).toMatchObject({ submitted: 4, already: 0 });
    expect(await datasets.submit(name)).toMatchObject({ submitted: 4, existing: 0, already: 4 });
    expect(await datasets.submit(name)).toMatchObject({ submitted: 0, existing: 0, already: 8 });
    const twin = `${name} twin`;
    const { specifications } = await datasets.get(name);
    await datasets.create({ name: twin, specifications });
    await datasets.addEntries(twin, entriesOf(4));
    expect(await datasets.submit(twin)).toMatchObject({ submitted: 0, existing: 8, already: 0 });
    const third = `${name} third`;
    await datasets.create({ name: third, specifications });
    await datasets.addEntries(third, entriesOf(4));
    expect(await datasets.submit(third, { findExisting: false })).toMatchObject({ submitted: 8 });
  });

  it('submit part by part where a limit is given', async () => {
    const { datasets } = world.manager;
    const name = await dataset(3);
    const steps: number[] = [];
    for (let cursor: string | undefined; ;) {
      const { submitted, already, next } = await datasets.submit(name, { limit: 2, cursor });
      steps.push(submitted + already);
      cursor = next;
      if (next === undefined) break;
    }
    expect(steps).toEqual([2, 2, 2, 0]);
    expect(await datasets.submit(name)).toMatchObject({ submitted: 0, already: 6 });
  });

  it('refuse names that they do not have, and do nothing then', async () => {
    const { datasets } = world.manager;
    const name = await dataset(1);
    const wrong = { entries: ['e00000', 'water'], specifications: ['best'] };
    const refusal = await datasets.submit(name, wrong).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidData);
    expect((refusal as InvalidData).issues).toEqual([
      { path: 'specifications', message: 'there is no specification best' },
      { path: 'entries', message: 'there is no entry water' },
    ]);
    expect((await datasets.items(name)).items).toEqual([]);
    await expect(datasets.ids(name, { entries: ['water'] })).rejects.toThrow(InvalidData);
  });

  it('tell what could not be set up, pair by pair', async () => {
    const { datasets } = world.manager;
    const name = await dataset(1);
    await datasets.addEntries(name, [{ name: 'bad', data: { programs: 7 } }]);
    const { submitted, refused } = await datasets.submit(name);
    expect(submitted).toBe(2);
    expect(refused.map(({ specification, entry, code }) => [specification, entry, code])).toEqual([
      ['fast', 'bad', 'INVALID_DATA'],
      ['good', 'bad', 'INVALID_DATA'],
    ]);
  });

  it('count by specification and state, as a table too', async () => {
    const { datasets } = world.manager;
    const name = await dataset(3);
    await datasets.addSpecifications(name, { never: {} });
    await datasets.submit(name, { specifications: ['fast', 'good'] });
    const [done = '', failed = '', gone = ''] = await datasets.ids(name, {
      specifications: ['fast'],
    });
    await world.run(done);
    await world.run(failed, 'fail');
    const { token } = world.manager.issueToken({ kind: 'admin', subject: 'ada' });
    await (await world.manager.job(gone, { token })).delete({ reason: 'not wanted' });
    const { counts, table, entries } = await datasets.status(name);
    expect(entries).toBe(3);
    expect(counts).toEqual({
      fast: { complete: 1, error: 1, gone: 1 },
      good: { waiting: 3 },
      never: {},
    });
    expect(table.split('\n')).toEqual([
      'specification  complete  error  running  waiting  cancelled  invalid  deleted  gone',
      'fast                  1      1        0        0          0        0        0     1',
      'good                  0      0        0        3          0        0        0     0',
      'never                 0      0        0        0          0        0        0     0',
    ]);
  });

  it('page through pairs, by specification, then entry', async () => {
    const { datasets } = world.manager;
    const name = await dataset(3);
    await datasets.submit(name);
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const { items, next } = await datasets.items(name, {}, { limit: 4, cursor });
      seen.push(...items.map(({ specification, entry }) => `${specification} ${entry}`));
      cursor = next;
      if (next === undefined) break;
    }
    expect(seen).toEqual(
      ['fast', 'good'].flatMap((each) => [0, 1, 2].map((n) => `${each} e0000${n}`)),
    );
    await expect(datasets.items(name, {}, { cursor: 'x' })).rejects.toThrow(InvalidData);
  });

  it('take an operation for the records of some pairs', async () => {
    const { datasets } = world.manager;
    const name = await dataset(3);
    await datasets.submit(name);
    const [failed = ''] = await datasets.ids(name, { entries: ['e00001'] });
    await world.run(failed, 'fail');
    expect(await datasets.ids(name, { states: ['error'] })).toEqual([failed]);
    const reset = await datasets.bulk(name, { op: 'reset', states: ['error'] });
    expect(reset.counts).toMatchObject({ requested: 1, updated: 1 });
    const cancel = await datasets.bulk(name, { op: 'cancel', specifications: ['good'] });
    expect(cancel.counts).toMatchObject({ requested: 3, updated: 3 });
    expect((await datasets.status(name)).counts).toEqual({
      fast: { waiting: 3 },
      good: { cancelled: 3 },
    });
  });

  it('submit thousands of pairs in some seconds', async () => {
    const { datasets } = world.manager;
    const name = await dataset(1_500);
    const started = performance.now();
    expect(await datasets.submit(name)).toMatchObject({ submitted: 3_000, refused: [] });
    expect(performance.now() - started).toBeLessThan(20_000);
    expect((await datasets.status(name)).counts).toEqual({
      fast: { waiting: 1_500 },
      good: { waiting: 1_500 },
    });
  });
});
