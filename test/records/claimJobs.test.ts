import { describe, expect, it } from 'vitest';
import { InvalidData } from '../../src/errors.ts';
import { storeKinds } from './recordWorld.ts';
import { useWorkerWorld } from './workerWorld.ts';

describe.each(storeKinds)('claiming in %s', (kind) => {
  const world = useWorkerWorld(kind);

  /** Records in one tag, set up one after the other. */
  async function records(...given: readonly Readonly<Record<string, unknown>>[]) {
    const ids: string[] = [];
    for (const data of given) ids.push((await world.record(data)).id);
    await world.maintain();
    return ids;
  }

  it('takes the higher priority first, then the older', async () => {
    const tag = world.newTag();
    const [normal, low, high, younger, named] = await records(
      { tag },
      { tag, priority: 'low' },
      { tag, priority: 'high' },
      { tag },
      { tag, priority: 1000 },
    );
    const worker = await world.activate({ tags: [tag] });
    expect(await world.claimIds(worker, { limit: 2 })).toEqual([named, high]);
    expect(await world.claimIds(worker)).toEqual([normal, younger, low]);
  });

  it('takes tag after tag in the order of the call, whatever the priorities', async () => {
    const [one, other] = [world.newTag(), world.newTag()];
    const [first, second] = await records({ tag: one, priority: 1 }, { tag: other, priority: 999 });
    const worker = await world.activate({ tags: [other, one] });
    expect(await world.claimIds(worker, { tags: [one.toUpperCase(), other] })).toEqual([
      first,
      second,
    ]);
  });

  it('takes every other tag after those that are named', async () => {
    const [one, other] = [world.newTag(), world.newTag()];
    const program = world.newTag();
    const [last, first] = await records(
      { tag: other, priority: 900, programs: [program] },
      { tag: one, programs: [program] },
    );
    const worker = await world.activate({ tags: [one, '*'], programs: { [program]: '1' } });
    const claimed = await world.claimIds(worker);
    expect(claimed.filter((id) => [first, last].includes(id))).toEqual([first, last]);
  });

  it('gives a job only to who has all programs that it needs', async () => {
    const tag = world.newTag();
    const [both, none, one] = await records(
      { tag, programs: ['P', 'q'] },
      { tag },
      { tag, programs: ['p'] },
    );
    const poor = await world.activate({ tags: [tag], programs: { p: '1', r: '1' } });
    expect(await world.claimIds(poor)).toEqual([none, one]);
    const rich = await world.activate({ tags: [tag], programs: { Q: '2', p: '1' } });
    expect(await world.claimIds(rich, { programs: ['p'] })).toEqual([]);
    expect(await world.claimIds(rich)).toEqual([both]);
  });

  it('takes of what a call names only what the worker declared', async () => {
    const tag = world.newTag();
    const [id] = await records({ tag, programs: ['p'] });
    const worker = await world.activate({ tags: [tag], programs: { p: '1' } });
    const claim = (request: object) => world.claimIds(worker, request);
    await expect(claim({ tags: ['other'] })).rejects.toThrow(InvalidData);
    await expect(claim({ programs: ['other'] })).rejects.toThrow(InvalidData);
    await expect(claim({ tags: [] })).rejects.toThrow(InvalidData);
    expect(await claim({ tags: ['other', tag], programs: ['P', 'other'] })).toEqual([id]);
  });

  it('takes up to 200, however many are asked for', async () => {
    const tag = world.newTag();
    const inputs = Array.from({ length: 450 }, (_, nr) => ({ data: { tag, nr, of: tag } }));
    await world.manager.setupMany('record', inputs);
    await world.maintain();
    const worker = await world.activate({ tags: [tag] });
    expect(await world.claimIds(worker, { limit: 0 })).toEqual([]);
    expect(await world.claimIds(worker, { limit: null })).toHaveLength(200);
    expect(await world.claimIds(worker, { limit: 1_000 })).toHaveLength(200);
    expect(await world.claimIds(worker)).toHaveLength(50);
    expect((await world.workers.get(worker)).counts.claimed).toBe(450);
    for (const limit of [-1, 1.5, Number.NaN, '3' as unknown as number])
      await expect(world.workers.claim(worker, { limit })).rejects.toThrow(InvalidData);
  });

  it('tells all that the work needs, and leaves it in the history', async () => {
    const tag = world.newTag();
    const [id = ''] = await records({
      tag,
      priority: 7,
      programs: ['p'],
      input: { molecule: 'H2' },
    });
    const worker = await world.activate({ tags: [tag], programs: { p: '1' } });
    const claimed = await world.claimOne(worker);
    const job = await world.job(id);
    expect(claimed).toMatchObject({
      ...{ id, epoch: 1, type: 'record', tag, priority: 7, programs: ['p'] },
      ...{ data: { input: { molecule: 'H2' } }, archivePath: job.archivePath },
    });
    const { entries } = await job.history();
    expect(entries.at(-1)).toMatchObject({
      name: 'claim',
      data: { worker },
      actor: { kind: 'worker', id: worker },
    });
  });

  it('finds what was set up just now', async () => {
    const tag = world.newTag();
    const worker = await world.activate({ tags: [tag] });
    const { id } = await world.record({ tag });
    expect(await world.claimIds(worker)).toEqual([id]);
  });

  it('finds again at once what was given back', async () => {
    const tag = world.newTag();
    const worker = await world.activate({ tags: [tag] });
    const { id } = await world.record({ tag });
    for (const epoch of [1, 2, 3]) {
      expect(await world.claimOne(worker)).toMatchObject({ id, epoch });
      await world.workers.report(worker, [{ id, epoch, outcome: 'released' }]);
    }
  });

  it('leaves alone what backs off until its time has come', async () => {
    const tag = world.newTag();
    const retries = { limits: { '*': 2 }, delay: 60_000 };
    const { id } = await world.record({ tag, retries });
    const worker = await world.activate({ tags: [tag], leaseSeconds: 3_600 });
    const { epoch } = await world.claimOne(worker);
    const error = { type: 'random_error', message: 'no luck' };
    await world.workers.report(worker, [{ id, epoch, outcome: 'error', error }]);
    world.passTime(50);
    expect(await world.claimIds(worker)).toEqual([]);
    world.passTime(11);
    expect(await world.claimIds(worker)).toEqual([id]);
  });

  it('leaves alone what follows its children, was cancelled, or is with somebody', async () => {
    const tag = world.newTag();
    const worker = await world.activate({ tags: [tag] });
    await world.record({ tag, awaits: 'children' });
    await (await world.record({ tag })).cancel();
    await (await world.record({ tag })).claim({ worker: await world.activate() });
    await world.maintain();
    expect(await world.claimIds(worker)).toEqual([]);
  });
});
