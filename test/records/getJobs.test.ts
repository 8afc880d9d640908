import { randomUUID } from 'node:crypto';
import { InvalidData, JobNotFound } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { httpWorld } from '../http/world.ts';
import { storeKinds, useRecordWorld } from './recordWorld.ts';

describe.each(storeKinds)('getting many jobs from %s', (kind) => {
  const world = useRecordWorld(kind);
  const idsOf = (jobs: readonly ({ readonly id: string } | null)[]) =>
    jobs.map((job) => job?.id ?? null);

  it('answers in the order of the ids, each as often as it is named, with null for what is missing', async () => {
    const [a, b] = [(await world.newRecord()).id, (await world.newRecord()).id];
    const missing = randomUUID();
    const jobs = await world.manager.jobs([b, missing, a, b], { missingOk: true });
    expect(idsOf(jobs)).toEqual([b, null, a, b]);
    expect(await world.manager.jobs([])).toEqual([]);
  });

  it('refuses the call for a missing one, naming it, unless that is told to be fine', async () => {
    const { id } = await world.newRecord();
    const missing = randomUUID();
    await expect(world.manager.jobs([id, missing])).rejects.toThrow(JobNotFound);
    await expect(world.manager.jobs([id, missing])).rejects.toMatchObject({ jobId: missing });
  });

  it('takes a deleted job for missing, and a soft-deleted record for there', async () => {
    const [gone, away] = [await world.newRecord(), await world.newRecord()];
    const token = world.manager.issueToken({ kind: 'admin', subject: 'ada' }).token;
    await gone.delete({ token, reason: 'no use' });
    await away.send('delete');
    const jobs = await world.manager.jobs([gone.id, away.id], { missingOk: true });
    expect(jobs.map((job) => job?.state)).toEqual([undefined, 'deleted']);
  });

  it('refuses more than a thousand, and what is no list of ids', async () => {
    const { id } = await world.newRecord();
    const full = Array.from({ length: 1_000 }, () => id);
    expect(await world.manager.jobs(full)).toHaveLength(1_000);
    await expect(world.manager.jobs([...full, id])).rejects.toThrow(/1001 ids, at most 1000/);
    await expect(world.manager.jobs([5 as unknown as string])).rejects.toThrow(InvalidData);
    await expect(world.manager.jobs(id as unknown as string[])).rejects.toThrow(InvalidData);
  });

  it('shows every event acknowledged before the call, of another process too, projected or not', async () => {
    const job = await world.newRecord();
    await world.manager.maintain();
    const other = await world.open({ background: false });
    expect((await other.jobs([job.id]))[0]?.state).toBe('waiting');
    await job.claim({ worker: 'willow' });
    expect((await other.jobs([job.id]))[0]?.state).toBe('running');
    const [fresh] = [await world.open({ background: false })];
    await job.finish();
    expect((await fresh.jobs([job.id]))[0]).toMatchObject({ state: 'complete', version: 3 });
  });
});

describe('many jobs over HTTP', () => {
  const world = httpWorld();
  const operator = () => ({ token: world.operator });
  const countAll = async () => {
    await world.manager.maintain();
    return world.manager.engine.store.countJobs({});
  };

  it('POST /v1/jobs/get gives them in order; without missingOk one error for the call', async () => {
    const [a, b] = [(await world.create()).id, (await world.create()).id];
    const missing = randomUUID();
    const ask = (body: object) => world.ask('POST', '/v1/jobs/get', { token: world.reader, body });
    const got = await ask({ ids: [b, missing, a, b], missingOk: true });
    expect(got).toMatchObject({
      status: 200,
      body: { jobs: [{ id: b }, null, { id: a }, { id: b }] },
    });
    expect(await ask({ ids: [b, missing] })).toMatchObject({
      status: 404,
      body: { code: 'JOB_NOT_FOUND', jobId: missing },
    });
    expect(await ask({ ids: [] })).toMatchObject({ status: 200, body: { jobs: [] } });
  });

  it('POST /v1/jobs/get refuses 1,001 ids', async () => {
    const { id } = await world.create();
    const ids = Array.from({ length: 1_001 }, () => id);
    const ask = (given: readonly string[]) =>
      world.ask('POST', '/v1/jobs/get', { ...operator(), body: { ids: given } });
    expect(await ask(ids)).toMatchObject({ status: 400, body: { code: 'INVALID_DATA' } });
    expect((await ask(ids.slice(1))).status).toBe(200);
  });

  it('POST /v1/jobs/many sets up 500 at once, and refuses 501 without storing any', async () => {
    const jobs = Array.from({ length: 501 }, (_, number) => ({ data: { number } }));
    const ask = (given: readonly object[]) =>
      world.ask('POST', '/v1/jobs/many', { ...operator(), body: { type: 'record', jobs: given } });
    const before = await countAll();
    expect(await ask(jobs)).toMatchObject({ status: 400, body: { code: 'INVALID_DATA' } });
    expect(await countAll()).toBe(before);
    const made = await ask(jobs.slice(1));
    expect(made.status).toBe(200);
    const outcomes = made.body['outcomes'] as { index: number; outcome: string; state: string }[];
    expect(outcomes.map(({ index }) => index)).toEqual(jobs.slice(1).map((_, index) => index));
    expect(new Set(outcomes.map(({ outcome, state }) => `${outcome} ${state}`))).toEqual(
      new Set(['created waiting']),
    );
    expect(await countAll()).toBe(before + 500);
  });

  it('tells one by one what became of each, and keeps none for the sake of another', async () => {
    const data = { input: randomUUID() };
    const jobs = [{ data }, { data: { priority: 'urgent' } }, { colour: 'red' }, { data }];
    const answer = await world.ask('POST', '/v1/jobs/many', {
      ...operator(),
      body: { type: 'record', jobs },
    });
    const refused = { outcome: 'refused', code: 'INVALID_DATA' };
    expect(answer.body['outcomes']).toMatchObject([
      { index: 0, state: 'waiting', version: 1 },
      { index: 1, ...refused },
      { index: 2, ...refused },
      { index: 3, state: 'waiting', version: 1 },
    ]);
    const [first, , , last] = answer.body['outcomes'] as { id: string; outcome: string }[];
    expect(first?.id).toBe(last?.id);
    expect([first?.outcome, last?.outcome].sort()).toEqual(['created', 'existing']);
  });

  it('repeats a call under its key without making anything twice, new ones included', async () => {
    const jobs = Array.from({ length: 3 }, () => ({ data: { input: 1 }, findExisting: false }));
    const ask = (key: string) =>
      world.ask('POST', '/v1/jobs/many', {
        ...operator(),
        headers: { 'Idempotency-Key': key },
        body: { type: 'record', jobs },
      });
    const [first, again, other] = [await ask('k-1'), await ask('k-1'), await ask('k-2')];
    expect(again.body).toEqual(first.body);
    const idsOf = ({ body }: typeof first) =>
      (body['outcomes'] as { id: string; outcome: string }[]).map(({ id, outcome }) => {
        expect(outcome).toBe('created');
        return id;
      });
    expect(new Set([...idsOf(first), ...idsOf(other)]).size).toBe(6);
  });

  it('refuses an unknown machine as a whole, and whoever has no right', async () => {
    const ask = (token: string, path: string, body: object) =>
      world.ask('POST', path, { token, body });
    const many = { type: 'none', jobs: [{}] };
    expect(await ask(world.operator, '/v1/jobs/many', many)).toMatchObject({
      status: 404,
      body: { code: 'UNKNOWN_MACHINE' },
    });
    for (const token of [world.reader, world.worker, (await world.create()).token]) {
      expect((await ask(token, '/v1/jobs/many', many)).status).toBe(403);
    }
    for (const token of [world.worker, (await world.create()).token]) {
      expect((await ask(token, '/v1/jobs/get', { ids: [] })).status).toBe(403);
    }
  });
});
