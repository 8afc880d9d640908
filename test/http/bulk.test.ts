import { describe, expect, it } from 'vitest';
import { httpWorld, origin } from './world.ts';

const world = httpWorld({ background: false });
let made = 0;

const records = async (count: number): Promise<string[]> => {
  const inputs = Array.from({ length: count }, () => ({ data: { input: { nr: (made += 1) } } }));
  const outcomes = await world.manager.setupMany('record', inputs);
  return outcomes.map((each) => (each.outcome === 'refused' ? '' : each.job.id));
};
const post = (body: object, token = world.operator, headers = {}) =>
  world.ask('POST', '/v1/bulk', { token, body, headers });

describe('POST /v1/bulk', () => {
  it('does an operation to many jobs and answers what became of each', async () => {
    const ids = await records(2);
    const { status, body, headers } = await post({ op: 'cancel', ids: [...ids, 'nobody', 5] });
    expect(status).toBe(200);
    expect(headers.get('location')).toBe(`/v1/bulk/${String(body['run'])}`);
    expect(body).toMatchObject({
      state: 'finished',
      progress: { done: 4, total: 4 },
      counts: { requested: 4, updated: 2, refused: 2 },
      outcomes: [
        { index: 0, id: ids[0], outcome: 'updated', state: 'cancelled' },
        { index: 1, id: ids[1], outcome: 'updated', state: 'cancelled' },
        { index: 2, id: 'nobody', outcome: 'refused', code: 'JOB_NOT_FOUND' },
        { index: 3, id: '5', outcome: 'refused', code: 'INVALID_DATA' },
      ],
    });
  });

  it('answers 200 without a run for an empty list', async () => {
    expect(await post({ op: 'cancel', ids: [] })).toMatchObject({
      status: 200,
      body: { run: null, state: 'finished', counts: { requested: 0 }, outcomes: [] },
    });
  });

  it('answers 202 where it is not waited for, and tells its progress', async () => {
    const ids = await records(1_000);
    const { status, body } = await post({ op: 'cancel', ids, wait: 0 });
    expect(status).toBe(202);
    expect(body['outcomes']).toBeUndefined();
    const run = String(body['run']);
    await world.manager.engine.bulkRuns.get(run);
    expect(await world.ask('GET', `/v1/bulk/${run}`, { token: world.reader })).toMatchObject({
      status: 200,
      body: { run, op: 'cancel', state: 'finished', progress: { done: 1_000, total: 1_000 } },
    });
    const pageOf = (query: string) =>
      world.ask('GET', `/v1/bulk/${run}/outcomes${query}`, { token: world.reader });
    expect((await pageOf('?limit=2')).body).toMatchObject({
      outcomes: [{ index: 0 }, { index: 1, id: ids[1], outcome: 'updated' }],
      next: 1,
    });
    const rest = await pageOf('?after=997');
    expect(rest.body['next']).toBeUndefined();
    expect(rest.body['outcomes']).toMatchObject([{ index: 998 }, { index: 999 }]);
    const lines = await world.fetch(
      new Request(`${origin}/v1/bulk/${run}/outcomes`, {
        headers: { authorization: `Bearer ${world.reader}`, accept: 'application/x-ndjson' },
      }),
    );
    expect(lines.headers.get('content-type')).toBe('application/x-ndjson');
    const told = (await lines.text()).trim().split('\n');
    expect(told).toHaveLength(1_000);
    expect(JSON.parse(told[999] ?? '')).toMatchObject({ index: 999, id: ids[999] });
  });

  it('plans with dryRun, and wants the plan for a filter', async () => {
    const [id = ''] = await records(1);
    const request = { op: 'cancel', q: { q: id } };
    expect(await post(request)).toMatchObject({ status: 409, body: { code: 'PLAN_REQUIRED' } });
    const planned = await post({ ...request, dryRun: true });
    expect(planned).toMatchObject({ status: 200, body: { matched: 1, counts: { updated: 1 } } });
    const { plan } = planned.body;
    expect(await post({ ...request, op: 'delete', plan })).toMatchObject({
      ...{ status: 409, body: { code: 'PLAN_REFUSED' } },
    });
    expect(await post({ ...request, plan })).toMatchObject({
      status: 200,
      body: { outcomes: [{ id, outcome: 'updated' }] },
    });
  });

  it('takes 400,000 ids, and tells where more than 10,000 outcomes are', async () => {
    const [id = ''] = await records(1);
    const ids = Array.from({ length: 400_000 }, () => id);
    const request = { op: 'cancel', ids };
    expect(await post(request)).toMatchObject({ body: { code: 'PLAN_REQUIRED' } });
    const planned = await post({ ...request, dryRun: true });
    const { plan } = planned.body;
    const { status, body } = await post({ ...request, plan, wait: 60 });
    expect(status).toBe(200);
    expect(body).toMatchObject({ counts: { requested: 400_000, updated: 1, unchanged: 399_999 } });
    expect(body['outcomes']).toBeUndefined();
    expect(body['next']).toBe(`/v1/bulk/${String(body['run'])}/outcomes`);
  }, 60_000);

  it('is for operators, and for good only for admins', async () => {
    const ids = await records(1);
    const hard = { op: 'delete', ids, data: { hard: true } };
    expect(await post({ op: 'cancel', ids }, world.reader)).toMatchObject({ status: 403 });
    expect(await post({ op: 'cancel', ids }, world.worker)).toMatchObject({ status: 403 });
    expect(await post(hard)).toMatchObject({ status: 403, body: { code: 'ADMIN_REQUIRED' } });
    expect(await post(hard, world.admin)).toMatchObject({ body: { counts: { updated: 1 } } });
    expect(await post({ op: 'cancel' })).toMatchObject({ status: 400 });
    expect(await post({ op: 'explode', ids })).toMatchObject({ status: 422 });
  });

  it('answers a repeat under its key with the same run', async () => {
    const body = { op: 'cancel', ids: await records(1) };
    const headers = { 'Idempotency-Key': 'again' };
    const first = await post(body, world.operator, headers);
    expect((await post(body, world.operator, headers)).body).toEqual(first.body);
  });
});

describe('runs', () => {
  it('are listed, the newest first, and stopped while they are open', async () => {
    const { body } = await post({ op: 'cancel', ids: await records(1) });
    await world.manager.engine.projector.flush();
    const listed = await world.ask('GET', '/v1/bulk?limit=1', { token: world.reader });
    expect(listed.body).toMatchObject({ runs: [{ run: body['run'], op: 'cancel' }] });
    const { next } = listed.body;
    const older = await world.ask('GET', `/v1/bulk?limit=1&cursor=${String(next)}`, {
      token: world.reader,
    });
    expect(older.body['runs']).not.toEqual(listed.body['runs']);
    const stop = (token: string) =>
      world.ask('POST', `/v1/bulk/${String(body['run'])}/stop`, { token, body: {} });
    expect(await stop(world.operator)).toMatchObject({
      status: 409,
      body: { code: 'INVALID_TRANSITION' },
    });
    expect(await stop(world.reader)).toMatchObject({ status: 403 });
    const [id = ''] = await records(1);
    for (const path of [`/v1/bulk/${id}`, `/v1/bulk/${id}/outcomes`, '/v1/bulk/nobody']) {
      expect(await world.ask('GET', path, { token: world.reader })).toMatchObject({ status: 404 });
    }
  });
});
