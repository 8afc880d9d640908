import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import { createService } from '../../src/http/service.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { isTombstone } from '../../src/store/store.ts';
import { httpWorld, origin, type Answered, type Asking } from './world.ts';

let clock = 0;
const world = httpWorld({ now: () => Date.now() + clock });

type Json = Record<string, unknown>;
const codeOf = ({ status, body }: Answered) => [status, body['code'] ?? null];
const stored = (id: string) => world.manager.engine.store.readCommits(id, 1);
const newKey = () => ({ 'Idempotency-Key': randomUUID() });

const send = (id: string, ...events: string[]) =>
  world.ask('POST', `/v1/jobs/${id}/events`, {
    token: world.operator,
    body: { events: events.map((name) => ({ name })) },
  });
const reset = (id: string, body: Json, asking: Asking = {}) =>
  world.ask('POST', `/v1/jobs/${id}/reset`, { token: world.admin, body, ...asking });
const remove = (id: string, reason: string | null, asking: Asking = {}) => {
  const search = reason === null ? '' : `?reason=${encodeURIComponent(reason)}`;
  return world.ask('DELETE', `/v1/jobs/${id}${search}`, { token: world.admin, ...asking });
};
const auditOf = async (jobId?: string) => {
  await world.service.audit.settle();
  const { body } = await world.ask('GET', '/v1/audit?limit=500', { token: world.admin });
  const records = body['records'] as Json[];
  return jobId === undefined ? records : records.filter((record) => record['jobId'] === jobId);
};
const adminTokenId = () => world.manager.principal(world.admin).token?.tokenId;

/** A job that is FINISHED, with two files and a directory in its archive. */
async function finished() {
  const made = await world.create();
  await send(made.id, 'run', 'finish');
  const directory = (await world.manager.job(made.id)).archiveDirectory;
  await mkdir(join(directory, 'sub'), { recursive: true });
  await writeFile(join(directory, 'a.txt'), 'a');
  await writeFile(join(directory, 'sub', 'b.txt'), 'b');
  return { ...made, directory };
}

describe('POST /v1/jobs/{id}/reset', () => {
  it('empties the archive, keeps its directory, and leaves the job CREATED', async () => {
    const { id, directory } = await finished();
    const answer = await reset(id, { reason: 'run it anew', data: { ticket: 7 } });
    expect(answer.body).toMatchObject({ job: { id, state: 'CREATED', version: 5 } });
    expect(answer.headers.get('etag')).toBe('"5"');
    expect(await readdir(directory)).toEqual([]);
    const { entries } = await (await world.manager.job(id)).history({ after: 3 });
    expect(entries).toMatchObject([
      {
        name: 'reset',
        data: { reason: 'run it anew', ticket: 7, keepArchive: false },
        actor: { kind: 'admin', id: 'the-admin' },
        tokenId: adminTokenId(),
      },
      { name: 'ready', from: 'RESET', to: 'CREATED' },
    ]);
  });

  it('leaves the files where it is told to', async () => {
    const { id, directory } = await finished();
    const answer = await reset(id, { reason: 'again', keepArchive: true });
    expect(answer.body).toMatchObject({ job: { state: 'CREATED' } });
    expect((await readdir(directory)).sort()).toEqual(['a.txt', 'sub']);
  });

  it.each([
    [{}],
    [{ reason: '' }],
    [{ reason: '  ' }],
    [{ reason: 7 }],
    [{ reason: 'x'.repeat(2_001) }],
    [{ reason: 'x', keepArchive: 'yes' }],
    [{ reason: 'x', data: [] }],
    [{ reason: 'x', colour: 'red' }],
  ])('with the body %j is a 400 and touches nothing', async (body) => {
    const { id, directory } = await finished();
    const before = await stored(id);
    expect(codeOf(await reset(id, body))).toEqual([400, 'INVALID_DATA']);
    expect(await stored(id)).toEqual(before);
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('with a stale If-Match is a 412 and touches nothing; without one it goes on', async () => {
    const { id, directory } = await finished();
    const stale = await reset(id, { reason: 'x' }, { headers: { 'If-Match': '"2"' } });
    expect(stale.body).toMatchObject({ code: 'VERSION_MISMATCH', expected: 2, actual: 3 });
    expect(stale.status).toBe(412);
    expect(await readdir(directory)).toHaveLength(2);
    const fresh = await reset(id, { reason: 'x' }, { headers: { 'If-Match': '"3"' } });
    expect(fresh.status).toBe(200);
    expect((await reset(id, { reason: 'x' })).status).toBe(200);
  });

  it('repeated with its key is done once and answered alike, also after more has happened', async () => {
    const { id, directory } = await finished();
    const asking = { headers: newKey() };
    const first = await reset(id, { reason: 'x' }, asking);
    expect(await reset(id, { reason: 'x' }, asking)).toMatchObject({
      status: 200,
      body: first.body,
    });
    await send(id, 'run');
    await writeFile(join(directory, 'new.txt'), 'new');
    const later = await reset(id, { reason: 'x' }, asking);
    expect([later.status, later.body]).toEqual([200, first.body]);
    expect(await readdir(directory)).toEqual(['new.txt']);
    expect((await world.manager.job(id)).version).toBe(6);
    const other = await reset(id, { reason: 'y' }, asking);
    expect(codeOf(other)).toEqual([422, 'IDEMPOTENCY_CONFLICT']);
  });

  it('that cannot empty the archive leaves the job in RESET, until it can (case 56)', async () => {
    const { id, directory } = await finished();
    const elsewhere = join(world.home, randomUUID());
    await mkdir(elsewhere);
    await writeFile(join(elsewhere, 'precious.txt'), 'p');
    await rm(directory, { recursive: true });
    await symlink(elsewhere, directory);
    const answer = await reset(id, { reason: 'x' });
    expect(codeOf(answer)).toEqual([409, 'EFFECT_FAILED']);
    expect(await readdir(elsewhere)).toEqual(['precious.txt']);
    const stuck = await world.ask('GET', `/v1/jobs/${id}`, { token: world.reader });
    expect(stuck.body['state']).toBe('RESET');
    expect(codeOf(await send(id, 'run'))).toEqual([409, 'INVALID_TRANSITION']);
    await rm(directory);
    await mkdir(directory);
    expect((await reset(id, { reason: 'mended' })).body).toMatchObject({
      job: { state: 'CREATED' },
    });
  });

  it('needs an admin token that is still in force (case 51)', async () => {
    const { id } = await finished();
    const { token } = world.manager.issueToken({ kind: 'admin', subject: 'ada', ttl: 60 });
    clock += 62_000;
    const late = await reset(id, { reason: 'x' }, { token });
    expect(codeOf(late)).toEqual([401, 'UNAUTHENTICATED']);
    expect((await world.manager.job(id)).state).toBe('FINISHED');
  });

  it('of a job that is not there is a 404', async () => {
    expect(codeOf(await reset('none', { reason: 'x' }))).toEqual([404, 'JOB_NOT_FOUND']);
  });

  it('ends the tokens of the job', async () => {
    const { id, token } = await finished();
    await reset(id, { reason: 'x' });
    expect(codeOf(await world.ask('GET', `/v1/jobs/${id}`, { token }))).toEqual([
      401,
      'UNAUTHENTICATED',
    ]);
  });
});

describe('DELETE /v1/jobs/{id}', () => {
  it('takes the job and every link to it, and leaves a tombstone and the files', async () => {
    const { id, directory } = await finished();
    const [doc, sample] = [randomUUID(), randomUUID()];
    const put = (path: string, body: Json) =>
      world.ask('PUT', `/v1/documents/${path}`, { token: world.operator, body });
    await put(`files/${doc}`, { generated_by: [id, 'other'], child_of: [id], acted_on: ['x'] });
    await put(`samples/${sample}`, { name: sample, derived_from: [id] });
    const child = await world.create({ parents: [id] });
    expect((await world.manager.job(child.id)).view().links.child_of).toEqual([id]);
    const answer = await remove(id, 'wrong input');
    expect(answer.body).toEqual({ deleted: true, linksRemoved: 3 });
    const read = async (path: string) =>
      (await world.ask('GET', `/v1/documents/${path}`, { token: world.reader })).body;
    expect(await read(`files/${doc}`)).toMatchObject({
      generated_by: ['other'],
      child_of: [],
      acted_on: ['x'],
    });
    expect(await read(`samples/${sample}`)).toMatchObject({ derived_from: [] });
    const childJob = await world.ask('GET', `/v1/jobs/${child.id}`, { token: world.reader });
    expect(childJob.body).toMatchObject({ links: { child_of: [] } });
    expect((await readdir(directory)).sort()).toEqual(['a.txt', 'sub']);
    const head = await world.manager.engine.store.readHead(id);
    expect(head && isTombstone(head)).toBe(true);
    expect(head).toMatchObject({ job: id, at: expect.any(Date) as Date, linksRemoved: 3 });
    expect(head?.entries.at(-1)).toMatchObject({
      name: 'delete',
      data: JSON.stringify({ reason: 'wrong input' }),
      actor: { kind: 'admin', id: 'the-admin' },
      tokenId: adminTokenId(),
      to: null,
    });
    for (const [method, path, token, body] of [
      ['GET', '', world.reader, undefined],
      ['GET', '/history', world.reader, undefined],
      ['POST', '/events', world.admin, { name: 'run' }],
      ['POST', '/cancel', world.admin, {}],
      ['POST', '/reset', world.admin, { reason: 'x' }],
      ['POST', '/tokens', world.admin, {}],
      ['DELETE', '/tokens', world.admin, undefined],
      ['DELETE', '?reason=again', world.admin, undefined],
    ] as const) {
      const gone = await world.ask(method, `/v1/jobs/${id}${path}`, { token, body });
      expect(codeOf(gone), path).toEqual([404, 'JOB_NOT_FOUND']);
    }
    await world.manager.maintain();
    const list = await world.ask('GET', `/v1/jobs?q=${id}`, { token: world.reader });
    expect(list.body).toEqual({ jobs: [] });
  });

  it.each([[null], [''], ['   '], ['x'.repeat(2_001)]])(
    'says why: the reason %.8j is a 400',
    async (reason) => {
      const { id } = await world.create();
      expect(codeOf(await remove(id, reason))).toEqual([400, 'INVALID_DATA']);
      expect((await world.manager.job(id)).version).toBe(1);
    },
  );

  it('repeated with its key is answered alike; without it the job is not there', async () => {
    const { id } = await world.create();
    await world.ask('PUT', `/v1/documents/files/${randomUUID()}`, {
      token: world.operator,
      body: { child_of: [id] },
    });
    const asking = { headers: newKey() };
    const first = await remove(id, 'x', asking);
    expect(first.body).toEqual({ deleted: true, linksRemoved: 1 });
    const again = await remove(id, 'x', asking);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(codeOf(await remove(id, 'x'))).toEqual([404, 'JOB_NOT_FOUND']);
    const another = await remove(id, 'x', { headers: newKey() });
    expect(codeOf(another)).toEqual([404, 'JOB_NOT_FOUND']);
  });

  it('heeds If-Match', async () => {
    const { id } = await world.create();
    const stale = await remove(id, 'x', { headers: { 'If-Match': '"9"' } });
    expect(codeOf(stale)).toEqual([412, 'VERSION_MISMATCH']);
    const fresh = await remove(id, 'x', { headers: { 'If-Match': '"1"' } });
    expect(fresh.status).toBe(200);
  });

  it('lets the same job be set up again, with tokens of a later generation', async () => {
    const data = { run: randomUUID() };
    const first = await world.create({ data });
    await remove(first.id, 'x');
    const second = await world.create({ data });
    expect(second.id).toBe(first.id);
    const old = await world.ask('GET', `/v1/jobs/${first.id}`, { token: first.token });
    expect(codeOf(old)).toEqual([401, 'UNAUTHENTICATED']);
    const job = await world.ask('GET', `/v1/jobs/${first.id}`, { token: second.token });
    expect(job.body).toMatchObject({ state: 'CREATED', version: 3 });
  });
});

describe('POST /v1/jobs/{id}/cancel', () => {
  const cancel = (id: string, token: string, asking: Asking = {}) =>
    world.ask('POST', `/v1/jobs/${id}/cancel`, { token, ...asking });

  it.each(['job', 'operator', 'admin'] as const)('is for the %s', async (kind) => {
    const made = await world.create();
    const answer = await cancel(made.id, kind === 'job' ? made.token : world[kind]);
    expect(answer.body).toEqual({ cancelled: true });
    const gone = await world.ask('GET', `/v1/jobs/${made.id}`, { token: world.reader });
    expect(codeOf(gone)).toEqual([404, 'JOB_NOT_FOUND']);
  });

  it.each(['run', 'update', 'fail'])('comes too late after %s', async (event) => {
    const { id, token } = await world.create();
    await send(id, event);
    const before = await stored(id);
    const answer = await cancel(id, token);
    expect(codeOf(answer)).toEqual([409, 'CANCEL_TOO_LATE']);
    expect(answer.body['detail']).toMatch(/fail/);
    expect(await stored(id)).toEqual(before);
  });

  it('repeated with its key is answered alike, to the same actor only', async () => {
    const { id, token } = await world.create();
    const asking = { headers: newKey(), body: { reason: 'never mind' } };
    expect((await cancel(id, token, asking)).body).toEqual({ cancelled: true });
    expect((await cancel(id, world.admin, asking)).status).not.toBe(200);
    expect((await cancel(id, world.operator)).status).toBe(404);
  });

  it('needs cancel among the events of a limited token', async () => {
    const { id } = await world.create();
    const issue = async (events: string[]) =>
      (
        await world.ask('POST', `/v1/jobs/${id}/tokens`, {
          token: world.operator,
          body: { events },
        })
      ).body['token'] as string;
    expect(codeOf(await cancel(id, await issue(['run'])))).toEqual([403, 'FORBIDDEN']);
    expect((await cancel(id, await issue(['cancel']))).status).toBe(200);
  });
});

describe('the tokens of a job', () => {
  const issue = (id: string, body: Json = {}, token = world.operator) =>
    world.ask('POST', `/v1/jobs/${id}/tokens`, { token, body });
  const use = (id: string, token: unknown, name: string, data?: Json) =>
    world.ask('POST', `/v1/jobs/${id}/events`, {
      token: token as string,
      body: { name, ...(data && { data }) },
    });

  it('are revoked at once, in every process', async () => {
    const { id, token } = await world.create();
    const { uri, database } = world.database;
    const secrets = world.secrets;
    const options = { mongodb: uri, database, secrets, home: world.home, logLevel: 'silent' };
    const other = await JobManager.open(options);
    afterAll(() => other.close());
    const service = createService(other.engine);
    const app = createApp(service);
    const elsewhere = async (method: string, path: string, by: string) => {
      const headers = { authorization: `Bearer ${by}`, 'content-type': 'application/json' };
      const body = method === 'POST' ? JSON.stringify({ name: 'update' }) : null;
      return (await app.request(`${origin}${path}`, { method, headers, body })).status;
    };
    // It knows the job and the token well before it is revoked here.
    expect(await elsewhere('POST', `/v1/jobs/${id}/events`, token)).toBe(200);
    expect(await elsewhere('GET', `/v1/jobs/${id}`, token)).toBe(200);
    const answer = await world.ask('DELETE', `/v1/jobs/${id}/tokens?reason=leak`, {
      token: world.admin,
    });
    expect(answer.body).toEqual({ generation: 3 });
    expect(await elsewhere('POST', `/v1/jobs/${id}/events`, token)).toBe(401);
    expect(await elsewhere('GET', `/v1/jobs/${id}`, token)).toBe(401);
    expect(await elsewhere('GET', `/v1/jobs/${id}/history`, token)).toBe(401);
    expect(await elsewhere('POST', `/v1/callbacks/${id}`, token)).toBe(401);
    expect((await use(id, token, 'update')).status).toBe(401);
    const { token: fresh } = (await issue(id)).body;
    expect(await elsewhere('GET', `/v1/jobs/${id}`, fresh as string)).toBe(200);
    const entries = (await (await world.manager.job(id)).history({ after: 2 })).entries;
    expect(entries).toMatchObject([{ name: 'revoke', data: { reason: 'leak' } }]);
    await service.settle();
  });

  it('revoked with a key are revoked once; a stale If-Match is a 412', async () => {
    const { id } = await world.create();
    const revoke = (headers: Record<string, string>) =>
      world.ask('DELETE', `/v1/jobs/${id}/tokens`, { token: world.operator, headers });
    expect((await revoke({ 'If-Match': '"7"' })).status).toBe(412);
    const headers = newKey();
    expect((await revoke(headers)).body).toEqual({ generation: 2 });
    expect((await revoke(headers)).body).toEqual({ generation: 2 });
    expect((await revoke({})).body).toEqual({ generation: 3 });
    expect((await revoke(headers)).body).toEqual({ generation: 2 });
  });

  it('are issued for one job, and are on record', async () => {
    const { id } = await world.create();
    const answer = await issue(id, { reason: 'for the cluster' }, world.admin);
    expect(answer.status).toBe(201);
    const token = answer.body['token'] as string;
    expect((await use(id, token, 'run')).status).toBe(200);
    const other = await world.create();
    expect((await use(other.id, token, 'run')).status).toBe(401);
    expect(await auditOf(id)).toEqual([
      {
        at: expect.any(String) as string,
        action: 'token.issue',
        outcome: 'done',
        jobId: id,
        actor: { kind: 'admin', id: 'the-admin' },
        tokenId: adminTokenId(),
        code: null,
        reason: 'for the cluster',
        requestId: answer.headers.get('x-request-id'),
      },
    ]);
  });

  it('work for their events only', async () => {
    const { id } = await world.create();
    const { token } = (await issue(id, { events: ['RUN', 'update'] })).body;
    expect((await use(id, token, 'run')).status).toBe(200);
    expect(codeOf(await use(id, token, 'finish'))).toEqual([403, 'FORBIDDEN']);
    const chain = await world.ask('POST', `/v1/jobs/${id}/events`, {
      token: token as string,
      body: { events: [{ name: 'update' }, { name: 'finish' }] },
    });
    expect(codeOf(chain)).toEqual([403, 'FORBIDDEN']);
    const looking = await world.ask('GET', `/v1/jobs/${id}`, { token: token as string });
    expect(looking.body).toMatchObject({ version: 2 });
    const { token: mute } = (await issue(id, { events: [] })).body;
    expect(codeOf(await use(id, mute, 'update'))).toEqual([403, 'FORBIDDEN']);
  });

  it('work for their time only', async () => {
    const { id } = await world.create();
    const { token, expiresAt } = (await issue(id, { ttl: 60 })).body;
    const left = Date.parse(String(expiresAt)) - (Date.now() + clock);
    expect(left).toBeGreaterThan(58_000);
    expect(left).toBeLessThanOrEqual(61_000);
    expect((await use(id, token, 'run')).status).toBe(200);
    clock += 62_000;
    expect(codeOf(await use(id, token, 'update'))).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('work once where they are for one use', async () => {
    const { id } = await world.create();
    const { token } = (await issue(id, { once: true })).body;
    // What is refused does not use it up.
    expect((await use(id, token, 'finish')).status).toBe(409);
    expect((await use(id, token, 'run')).status).toBe(200);
    expect(codeOf(await use(id, token, 'update'))).toEqual([401, 'UNAUTHENTICATED']);
    expect((await world.manager.job(id)).version).toBe(2);
  });

  it.each([
    [{ ttl: 0 }],
    [{ ttl: -1 }],
    [{ ttl: 1.5 }],
    [{ ttl: 366 * 24 * 3600 }],
    [{ ttl: '60' }],
    [{ events: 'run' }],
    [{ events: ['not an event!'] }],
    [{ events: Array.from({ length: 900 }, (_each, n) => `event${n}`) }],
    [{ once: 'yes' }],
    [{ kind: 'admin' }],
    [{ generation: 99 }],
  ])('asked for with %.60j are a 400', async (body) => {
    const { id } = await world.create();
    expect(codeOf(await issue(id, body))).toEqual([400, 'INVALID_DATA']);
    expect(await auditOf(id)).toEqual([]);
  });
});

describe('GET /v1/audit', () => {
  it('tells refused administrative attempts, the newest first', async () => {
    const { id, token } = await world.create();
    const event = { name: 'reset' };
    for (const [method, path, by, body] of [
      ['POST', '/reset', undefined, { reason: 'x' }],
      ['POST', '/reset', token, { reason: 'x' }],
      ['DELETE', '?reason=x', world.operator, undefined],
      ['POST', '/tokens', world.reader, {}],
      ['DELETE', '/tokens', world.worker, undefined],
      ['POST', '/events', world.operator, event],
      // A refusal that has nothing administrative about it is none.
      ['POST', '/events', world.reader, { name: 'run' }],
    ] as const) {
      clock += 1;
      await world.ask(method, `/v1/jobs/${id}${path}`, {
        ...(by !== undefined && { token: by }),
        body,
      });
    }
    const records = await auditOf(id);
    expect(records.map(({ action, code }) => [action, code]).reverse()).toEqual([
      ['job.reset', 'UNAUTHENTICATED'],
      ['job.reset', 'ADMIN_REQUIRED'],
      ['job.delete', 'ADMIN_REQUIRED'],
      ['token.issue', 'FORBIDDEN'],
      ['token.revoke', 'FORBIDDEN'],
      ['job.send', 'ADMIN_REQUIRED'],
    ]);
    const actors = records.map(({ actor }) => (actor as { kind: string } | null)?.kind ?? null);
    expect(actors.reverse()).toEqual([null, 'job', 'operator', 'reader', 'worker', 'operator']);
    expect(records.every(({ outcome }) => outcome === 'refused')).toBe(true);
    expect((await world.manager.job(id)).version).toBe(1);
  });

  it('names the job however its path was spelled', async () => {
    const { id } = await world.create();
    await world.ask('POST', `/v1/%6Aobs/${id}/reset`, {
      token: world.operator,
      body: { reason: 'x' },
    });
    expect(await auditOf(id)).toMatchObject([{ action: 'job.reset', jobId: id }]);
  });

  it('stays bounded in a flood, and counts what it left out', async () => {
    const { id, token } = await world.create();
    clock += 600_000;
    const before = (await auditOf()).length;
    const flood = Array.from({ length: 1_000 }, () => reset(id, { reason: 'x' }, { token }));
    for (const { status } of await Promise.all(flood)) expect(status).toBe(403);
    const records = (await auditOf()).slice(0, -before || undefined);
    expect(records.length).toBeGreaterThanOrEqual(100);
    expect(records.length).toBeLessThan(200);
    clock += 60_000;
    await reset(id, { reason: 'x' }, { token });
    const all = (await auditOf()).slice(0, -before || undefined);
    const left = all.reduce((sum, { suppressed }) => sum + Number(suppressed ?? 0), 0);
    expect(all.length + left).toBe(1_001);
    expect((await world.manager.job(id)).version).toBe(1);
  });

  it.each(['limit=0', 'limit=501', 'limit=x', 'colour=red'])('refuses ?%s', async (query) => {
    const answer = await world.ask('GET', `/v1/audit?${query}`, { token: world.admin });
    expect(codeOf(answer)).toEqual([400, 'INVALID_DATA']);
  });
});
