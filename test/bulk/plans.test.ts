import { describe, expect, it } from 'vitest';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { states, stores, useBulkWorld } from './bulkWorld.ts';

const missing = '00000000-0000-5000-8000-000000000000';

describe.each(stores)('a plan on the %s store', (name) => {
  const world = useBulkWorld(name);

  it.each([
    { op: 'cancel' },
    { op: 'reset' },
    { op: 'delete' },
    { op: 'comment', data: { text: 'x' } },
    { op: 'modify', data: { tag: 'gpu' } },
    { op: 'cancel', scope: 'usual' as const },
    { op: 'delete', data: { hard: true }, scope: 'descendants' as const },
  ])('of $op writes nothing and tells exactly what will be done', async (asked) => {
    const ids = await world.records(...states);
    const child = await world.child([ids[0] ?? '', missing]);
    const request = { ...asked, ids: [...ids, missing, ids[0] ?? '', child, ''] };
    const { token } = world.manager.issueToken({ kind: 'admin', subject: 'ada' });
    const before = await world.logLength();
    const plan = await world.manager.bulk.plan(request, { token });
    expect(await world.logLength()).toBe(before);
    expect(plan.matched).toBe(11);
    const done = await world.manager.bulk.run({ ...request, plan: plan.plan }, { token });
    expect(plan.counts).toEqual(done.counts);
    expect(plan.sample).toEqual(done.outcomes?.slice(0, 10));
  });

  it('is wanted for a filter, and for more than 1,000 ids', async () => {
    const { bulk } = world.manager;
    const many = Array.from({ length: 1_001 }, (_none, number) => `job-${number}`);
    await expect(bulk.run({ op: 'cancel', q: { state: 'waiting' } })).rejects.toMatchObject({
      code: 'PLAN_REQUIRED',
    });
    await expect(bulk.run({ op: 'cancel', ids: many })).rejects.toMatchObject({
      code: 'PLAN_REQUIRED',
    });
    const { plan, counts } = await bulk.plan({ op: 'cancel', ids: many });
    expect(counts).toMatchObject({ refused: 1_001, byCode: { JOB_NOT_FOUND: 1_001 } });
    expect(await bulk.run({ op: 'cancel', ids: many, plan })).toMatchObject({ counts });
  });

  it('is good for the very request of the one who made it, and only for a while', async () => {
    const { bulk } = world.manager;
    const ids = await world.records('waiting', 'waiting');
    const request = { op: 'cancel', ids, reason: 'one' };
    const { plan } = await bulk.plan(request);
    const { token } = world.manager.issueToken({ kind: 'operator', subject: 'otto' });
    const others = [
      bulk.run({ ...request, op: 'delete', plan }),
      bulk.run({ ...request, ids: ids.slice(1), plan }),
      bulk.run({ ...request, data: { more: 1 }, plan }),
      bulk.run({ ...request, ids: [ids] as never, plan }),
      bulk.run({ ...request, scope: 'component', plan }),
      bulk.run({ ...request, plan: `${plan.slice(0, -3)}abc` }),
      bulk.run({ ...request, plan: 'plan' }),
      bulk.run({ ...request, plan }, { token }),
    ];
    for (const outcome of await Promise.allSettled(others)) {
      expect(outcome).toMatchObject({ reason: { code: 'PLAN_REFUSED' } });
    }
    // Later, by another process with the same secrets.
    const now = (): number => Date.now() + 16 * 60_000;
    const later = await JobManager.open({ ...world.options, now });
    await expect(later.bulk.run({ ...request, plan })).rejects.toMatchObject({
      code: 'PLAN_REFUSED',
    });
    await later.close();
    expect(await bulk.run({ ...request, reason: 'other', plan })).toMatchObject({
      counts: { updated: 2 },
    });
  });

  it('of what is no id is not good for the id that reads the same', async () => {
    const { bulk } = world.manager;
    const { plan } = await bulk.plan({ op: 'cancel', ids: [7] as never });
    await expect(bulk.run({ op: 'cancel', ids: ['7'], plan })).rejects.toMatchObject({
      code: 'PLAN_REFUSED',
    });
  });

  it('of a filter leaves out what is created after it', async () => {
    const [one = '', two = ''] = await world.records('error', 'error');
    const request = { op: 'reset', q: { type: 'record', state: 'error' } };
    const { plan, matched } = await world.manager.bulk.plan(request);
    expect(matched).toBeGreaterThanOrEqual(2);
    // Of the same millisecond it would be of the same time.
    const past = Date.now();
    while (Date.now() === past);
    const [late = ''] = await world.records('error');
    const { outcomes } = await world.manager.bulk.run({ ...request, plan });
    const touched = outcomes?.map(({ id }) => id) ?? [];
    expect(touched).toEqual(expect.arrayContaining([one, two]));
    expect(touched).not.toContain(late);
    expect(await world.stateOf(late)).toBe('error');
  });

  it('takes the text search of the list as a filter', async () => {
    const [id = ''] = await world.records('waiting');
    const plan = await world.manager.bulk.plan({ op: 'cancel', q: id });
    expect(plan).toMatchObject({ matched: 1, byState: { cancelled: 1 }, sample: [{ id }] });
    const none = await world.manager.bulk.plan({ op: 'cancel', q: { tag: 'nothing has it' } });
    expect(none).toMatchObject({ matched: 0, counts: { requested: 0 } });
    const request = { op: 'cancel', q: { tag: 'nothing has it' }, plan: none.plan };
    expect(await world.manager.bulk.run(request)).toMatchObject({ run: null, state: 'finished' });
  });
});
