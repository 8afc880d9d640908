import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { httpWorld } from './world.ts';

const world = httpWorld();

type Body = Record<string, unknown>;

const ask = async (method: string, path: string, body?: Body, token = world.worker) => {
  const answer = await world.ask(method, path, { token, ...(body && { body }) });
  return { status: answer.status, body: answer.body };
};

let names = 0;
async function activate(more: Body = {}): Promise<string> {
  names += 1;
  const name = `w${names}`;
  expect((await ask('POST', '/v1/workers', { name, ...more })).status).toBe(201);
  return name;
}

async function createRecord(data: Body): Promise<string> {
  const own = { type: 'record', data: { ...data, run: randomUUID() } };
  const { body } = await ask('POST', '/v1/jobs', own, world.operator);
  return (body['job'] as { id: string }).id;
}

const claim = async (name: string, request: Body = {}) => {
  // The queue may lag behind, as lists do.
  await world.manager.maintain();
  const { body } = await ask('POST', `/v1/workers/${name}/claim`, request);
  return body['jobs'] as { id: string; epoch: number; data: Body }[];
};

describe('workers over HTTP', () => {
  it('activate under a name that is used once', async () => {
    const first = await world.ask('POST', '/v1/workers', {
      token: world.worker,
      body: { name: 'ada', tags: ['GPU', 'cpu'], programs: { Psi4: '1.9' }, leaseSeconds: 5 },
    });
    expect([first.status, first.headers.get('location')]).toEqual([201, '/v1/workers/ada']);
    expect(first.body).toMatchObject({
      ...{ name: 'ada', subject: 'the-worker', status: 'active', leaseSeconds: 5 },
      ...{ tags: ['gpu', 'cpu'], programs: { psi4: '1.9' } },
    });
    expect(await ask('POST', '/v1/workers', { name: 'ada' })).toMatchObject({
      status: 409,
      body: { code: 'WORKER_EXISTS' },
    });
    const { body } = await ask('GET', '/v1/workers/ada', undefined, world.reader);
    expect(body).toMatchObject({ name: 'ada', counts: { claimed: 0, rejected: 0 } });
  });

  it('claim, tell how far they are, report each result for itself, and are counted', async () => {
    const name = await activate({ tags: ['both'] });
    const good = await createRecord({ tag: 'both', input: { n: 1 } });
    const bad = await createRecord({ tag: 'both', input: { n: 2 } });
    const jobs = await claim(name);
    expect(jobs.map(({ id, epoch, data }) => [id, epoch, data['input']])).toEqual([
      [good, 1, { n: 1 }],
      [bad, 1, { n: 2 }],
    ]);
    const progress = { id: good, epoch: 1, progress: { page: 3 } };
    expect(
      await ask('POST', `/v1/workers/${name}/progress`, { reports: [progress, 7] }),
    ).toMatchObject({ status: 200, body: { accepted: 1, rejected: 1 } });
    const results = [
      'nonsense',
      { id: bad, epoch: 1, outcome: 'complete', colour: 'red' },
      { id: good, epoch: 9, outcome: 'complete' },
      { id: 'nobody', epoch: 1, outcome: 'complete' },
      { id: good, epoch: 1, outcome: 'complete', result: { n: 2 }, stdout: 'hello' },
    ];
    const { status, body } = await ask('POST', `/v1/workers/${name}/results`, { results });
    expect([status, body['accepted'], body['rejected']]).toEqual([200, 1, 4]);
    expect(
      (body['outcomes'] as Body[]).map(({ index, outcome, code, state }) => [
        ...[index, outcome, code, state],
      ]),
    ).toEqual([
      [0, 'rejected', 'INVALID_DATA', undefined],
      [1, 'rejected', 'INVALID_DATA', undefined],
      [2, 'rejected', 'LEASE_LOST', 'running'],
      [3, 'rejected', 'JOB_NOT_FOUND', undefined],
      [4, 'accepted', undefined, 'complete'],
    ]);
    const worker = await ask('GET', `/v1/workers/${name}`, undefined, world.reader);
    expect(worker.body['counts']).toEqual({
      ...{ claimed: 2, completed: 1, failed: 0, released: 0, rejected: 4 },
    });
  });

  it('are told by a heartbeat what to drop', async () => {
    const name = await activate({ tags: ['dropped'] });
    const id = await createRecord({ tag: 'dropped', input: 1 });
    const [job] = await claim(name);
    const running = [{ id, epoch: job?.epoch }];
    const beat = () => ask('POST', `/v1/workers/${name}/heartbeat`, { running });
    expect((await beat()).body['abandon']).toEqual([]);
    await ask('POST', `/v1/jobs/${id}/events`, { name: 'cancel' }, world.operator);
    expect((await beat()).body['abandon']).toEqual([{ id, epoch: 1, state: 'cancelled' }]);
  });

  it('give back what they have when they are deactivated, and are refused from then on', async () => {
    const name = await activate({ tags: ['back'] });
    const id = await createRecord({ tag: 'back', input: 1 });
    await claim(name);
    const ended = await ask('DELETE', `/v1/workers/${name}`);
    expect(ended).toMatchObject({ status: 200, body: { status: 'inactive' } });
    const { body } = await ask('GET', `/v1/jobs/${id}`, undefined, world.reader);
    expect(body['state']).toBe('waiting');
    for (const call of ['heartbeat', 'claim']) {
      const refused = await ask('POST', `/v1/workers/${name}/${call}`, {});
      expect(refused).toMatchObject({ status: 409, body: { code: 'WORKER_INACTIVE' } });
    }
  });

  it('belong to the token that activated them', async () => {
    const name = await activate();
    const other = world.manager.issueToken({ kind: 'worker', subject: 'eve' }).token;
    for (const [method, call] of [
      ['POST', '/heartbeat'],
      ['POST', '/claim'],
      ['DELETE', ''],
    ] as const) {
      const path = `/v1/workers/${name}${call}`;
      const refused = await ask(method, path, method === 'POST' ? {} : undefined, other);
      expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    }
    expect((await ask('DELETE', `/v1/workers/${name}`, undefined, world.operator)).status).toBe(
      200,
    );
  });

  it('are listed page by page, by name and status', async () => {
    const mine = [await activate(), await activate()];
    await ask('DELETE', `/v1/workers/${mine[0]}`);
    const seen: string[] = [];
    let cursor = '';
    do {
      const path = `/v1/workers?status=active&limit=1${cursor && `&cursor=${cursor}`}`;
      const { body } = await ask('GET', path, undefined, world.reader);
      seen.push(...(body['workers'] as { name: string }[]).map(({ name }) => name));
      cursor = (body['next'] as string | undefined) ?? '';
    } while (cursor !== '');
    expect(seen).toContain(mine[1]);
    expect(seen).not.toContain(mine[0]);
    expect(seen).toEqual([...seen].sort());
  });

  it.each([
    ['POST', '/v1/workers', { name: 'no blank' }],
    ['POST', '/v1/workers', { leaseSeconds: 1 }],
    ['POST', '/v1/workers', { tags: ['  '] }],
    ['POST', '/v1/workers', { colour: 'red' }],
    ['POST', '/v1/workers/ada/claim', { limit: -1 }],
    ['POST', '/v1/workers/ada/results', {}],
    ['GET', '/v1/workers?status=asleep', undefined],
  ])('%s %s with %j is refused', async (method, path, body) => {
    const token = method === 'GET' ? world.reader : world.worker;
    expect(await ask(method, path, body, token)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_DATA' },
    });
  });

  it('take results far larger than any other body, up to a limit', async () => {
    const name = await activate({ tags: ['large'] });
    const id = await createRecord({ tag: 'large', input: 1 });
    const [job] = await claim(name);
    const results = [{ id, epoch: job?.epoch, outcome: 'complete', stdout: 'x'.repeat(3_000_000) }];
    const { body } = await ask('POST', `/v1/workers/${name}/results`, { results });
    expect(body).toMatchObject({ accepted: 1, rejected: 0 });
    const huge = await ask('POST', `/v1/workers/${name}/results`, {
      results: ['x'.repeat(17 * 1024 * 1024)],
    });
    expect(huge).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } });
    const progress = await ask('POST', `/v1/workers/${name}/progress`, {
      reports: ['x'.repeat(300_000)],
    });
    expect(progress.status).toBe(413);
  });

  it('tell why a record waits', async () => {
    const id = await createRecord({ tag: 'nobody-has-it', input: 1 });
    await activate({ tags: ['other'] });
    const { status, body } = await ask('GET', `/v1/jobs/${id}/why`, undefined, world.reader);
    expect([status, body['id']]).toEqual([200, id]);
    expect(['tag_unhandled', 'waiting_for_worker']).toContain(body['reason']);
    const gone = await ask('GET', '/v1/jobs/nobody/why', undefined, world.reader);
    expect(gone).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } });
  });
});
