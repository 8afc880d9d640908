import { describe, expect, it } from 'vitest';
import { httpWorld } from './world.ts';

describe('datasets over HTTP', () => {
  const world = httpWorld();
  let made = 0;
  const create = async (body: object = {}): Promise<string> => {
    made += 1;
    const path = `/v1/datasets/set%20${made}`;
    const specifications = { fast: { input: { method: 'hf', made } }, good: { input: { made } } };
    const answer = await write('PUT', path, { specifications, ...body });
    expect(answer.status).toBe(201);
    return path;
  };
  const write = (method: string, path: string, body?: unknown, token = world.operator) =>
    world.ask(method, path, { token, ...(body !== undefined && { body }) });
  const read = (path: string) => world.ask('GET', path, { token: world.reader });
  const entries = (count: number) => ({
    entries: Array.from({ length: count }, (_, n) => ({ name: `e${n}`, data: { input: { n } } })),
  });

  it('are created once, listed, shown and dropped', async () => {
    const path = await create({ description: 'small', tag: 'GPU', priority: 'low' });
    const again = await write('PUT', path, {});
    expect(again).toMatchObject({ status: 200, body: { created: false, description: 'small' } });
    const shown = await read(path);
    expect(shown.body).toMatchObject({ type: 'record', tag: 'gpu', priority: 250, entries: 0 });
    const listed = await read('/v1/datasets?limit=500');
    expect(listed.body['datasets']).toContainEqual(expect.objectContaining({ tag: 'gpu' }));
    expect(await write('DELETE', path)).toMatchObject({ status: 200, body: { removed: true } });
    expect(await read(path)).toMatchObject({ status: 404, body: { code: 'DATASET_NOT_FOUND' } });
    expect(await write('DELETE', path)).toMatchObject({ status: 404 });
  });

  it('take entries and specifications, submit what is new, and tell how far it is', async () => {
    const path = await create();
    const added = await write('POST', `${path}/entries`, entries(3));
    expect(added.body).toEqual({ added: ['e0', 'e1', 'e2'], existing: [] });
    const more = { specifications: { fast: {}, best: {} } };
    expect((await write('POST', `${path}/specifications`, more)).body).toEqual({
      added: ['best'],
      existing: ['fast'],
    });
    const some = { specifications: ['fast', 'good'], limit: 4 };
    const first = await write('POST', `${path}/submit`, some);
    expect(first.body).toMatchObject({ submitted: 4, existing: 0, already: 0, refused: [] });
    const rest = { ...some, cursor: first.body['next'] };
    expect((await write('POST', `${path}/submit`, rest)).body).toMatchObject({ submitted: 2 });
    const status = await read(`${path}/status`);
    expect(status.body).toMatchObject({
      entries: 3,
      counts: { best: {}, fast: { waiting: 3 }, good: { waiting: 3 } },
    });
    const items = await read(`${path}/items?specification=good&limit=2`);
    expect(items.body['items']).toEqual(
      ['e0', 'e1'].map((entry) => ({
        entry,
        specification: 'good',
        job: expect.any(String) as string,
        state: 'waiting',
      })),
    );
    const next = await read(
      `${path}/items?specification=good&cursor=${String(items.body['next'])}`,
    );
    expect(next.body['items']).toHaveLength(1);
    expect((await read(`${path}/items?state=error`)).body).toEqual({ items: [] });
    expect((await read(`${path}/items?entry=e1`)).body['items']).toHaveLength(2);
  });

  it('take more entries in one body than an event may be long', async () => {
    const path = await create();
    const long = entries(4_000).entries.map((entry) => ({
      ...entry,
      data: { text: 'x'.repeat(200) },
    }));
    const answer = await write('POST', `${path}/entries`, { entries: long });
    expect(answer.status).toBe(200);
    expect(answer.body['added']).toHaveLength(4_000);
  });

  it('refuse names that are not there, a wrong body, and who may not write', async () => {
    const path = await create();
    const unknown = await write('POST', `${path}/submit`, { entries: ['water'] });
    expect(unknown).toMatchObject({ status: 400, body: { code: 'INVALID_DATA' } });
    expect(await write('POST', `${path}/entries`, { entries: [{ data: {} }] })).toMatchObject({
      status: 400,
    });
    expect(await write('PUT', '/v1/datasets/other', { type: 'none' })).toMatchObject({
      status: 404,
      body: { code: 'UNKNOWN_MACHINE' },
    });
    for (const token of [world.reader, world.worker]) {
      expect(await write('PUT', '/v1/datasets/other', {}, token)).toMatchObject({ status: 403 });
      expect(await write('POST', `${path}/submit`, {}, token)).toMatchObject({ status: 403 });
      expect(await write('DELETE', path, undefined, token)).toMatchObject({ status: 403 });
    }
  });

  it('show the parents and the children of a job', async () => {
    const parent = await world.manager.setup('record', { data: { awaits: 'children', n: 1 } });
    const children = await world.manager.setupMany(
      'record',
      [1, 2, 3].map((n) => ({ parents: parent.id, data: { n } })),
    );
    const ids = children.map((each) => (each.outcome === 'refused' ? '' : each.job.id)).sort();
    const first = await read(`/v1/jobs/${parent.id}/children?limit=2`);
    expect(first.body['children']).toEqual(
      ids.slice(0, 2).map((id) => ({ id, type: 'record', state: 'waiting' })),
    );
    const next = await read(`/v1/jobs/${parent.id}/children?cursor=${String(first.body['next'])}`);
    expect(next.body).toEqual({ children: [{ id: ids[2], type: 'record', state: 'waiting' }] });
    expect((await read(`/v1/jobs/${ids[0] ?? ''}/parents`)).body).toEqual({
      parents: [{ id: parent.id, type: 'record', state: 'waiting' }],
    });
    expect((await read(`/v1/jobs/${parent.id}/parents`)).body).toEqual({ parents: [] });
    const gone = await read('/v1/jobs/no-such-job/children');
    expect(gone).toMatchObject({ status: 404, body: { code: 'JOB_NOT_FOUND' } });
  });

  it('say what is done with a match that was stopped, among many jobs', async () => {
    const jobs = [{ data: { stopped: 1 } }];
    const many = (options: object) =>
      write('POST', '/v1/jobs/many', { type: 'record', jobs, ...options });
    const [created] = (await many({})).body['outcomes'] as { id: string }[];
    await (await world.manager.job(created?.id ?? '')).send('cancel');
    const outcome = async (options: object) =>
      ((await many(options)).body['outcomes'] as object[])[0];
    expect(await outcome({})).toMatchObject({ state: 'cancelled', stopped: 'kept' });
    expect(await outcome({ stopped: 'refuse' })).toMatchObject({ code: 'INVALID_TRANSITION' });
    expect(await outcome({ stopped: 'restore' })).toMatchObject({
      outcome: 'existing',
      state: 'waiting',
      stopped: 'restored',
    });
    expect(await outcome({ findExisting: false })).toMatchObject({ outcome: 'created' });
  });
});
