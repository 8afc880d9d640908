import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { httpWorld, type Answered, type Asking } from './world.ts';

let clock = 0;
const world = httpWorld({ now: () => Date.now() + clock });

const callback = (path: string, asking: Asking = {}): Promise<Answered> =>
  world.ask('POST', `/v1/callbacks${path}`, asking);

/** Everything that is stored of a job. */
const stored = (id: string) => world.manager.engine.store.readCommits(id, 1);

const lastEntry = async (id: string) => {
  const job = await world.manager.job(id);
  const { entries } = await job.history({ after: job.version - 1 });
  return entries[0];
};

/** A job brought to a state by the events that lead there. */
async function jobAt(...events: string[]) {
  const made = await world.create();
  if (events.length > 0) {
    const body = { events: events.map((name) => ({ name })) };
    await world.ask('POST', `/v1/jobs/${made.id}/events`, { token: world.operator, body });
  }
  return made;
}

const limited = (id: string, limits: Record<string, unknown>) =>
  world.manager.issueToken({ kind: 'job', jobId: id, generation: 1, ...limits }).token;

const codeOf = ({ status, body }: Answered) => [status, body['code'] ?? null];

describe('the token of a callback', () => {
  it('may stand in the query, the header or the body, and then is nowhere kept', async () => {
    const { id, token } = await world.create();
    const status = 'RUNNING';
    const inQuery = await callback(`/${id}?token=${token}`, { body: { status, n: 1 } });
    const inHeader = await callback(`/${id}`, { token, body: { status, n: 2 } });
    const inBody = await callback(`/${id}`, { body: { status, n: 3, token } });
    for (const [index, answer] of [inQuery, inHeader, inBody].entries()) {
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({
        applied: true,
        entries: [{ seq: index + 2, name: 'run', data: { status, n: index + 1 } }],
        job: { id, state: 'RUNNING', version: index + 2 },
      });
    }
    expect(JSON.stringify(await stored(id))).not.toContain(token);
  });

  it('may be said in several places where it is the same', async () => {
    const { id, token } = await world.create();
    const body = { status: 'RUNNING', token };
    const answer = await callback(`/${id}?token=${token}`, { token, body });
    expect(answer.body).toMatchObject({ applied: true });
  });

  it('is refused where two differ, even if one of them is good', async () => {
    const { id, token } = await world.create();
    const other = (await world.create()).token;
    const status = 'RUNNING';
    for (const [query, header, body] of [
      [token, other, undefined],
      [other, token, undefined],
      [token, undefined, other],
      [undefined, token, other],
      [token, token, other],
      [token, undefined, ''],
      [token, undefined, { $ne: '' }],
      ['', token, undefined],
    ] as const) {
      const answer = await callback(`/${id}${query === undefined ? '' : `?token=${query}`}`, {
        ...(header !== undefined && { token: header }),
        body: { status, ...(body !== undefined && { token: body }) },
      });
      expect(codeOf(answer)).toEqual([401, 'UNAUTHENTICATED']);
    }
    expect((await world.manager.job(id)).version).toBe(1);
  });

  it.each(['none', 'wrong', "another job's", 'expired', 'revoked', 'altered'])(
    'is refused when it is %s (case 46)',
    async (what) => {
      const { id, token } = await world.create();
      const tokens: Record<string, () => Promise<string> | string> = {
        wrong: () => 'nonsense',
        "another job's": async () => (await world.create()).token,
        expired: () => {
          const short = limited(id, { ttl: 1 });
          clock += 3_000;
          return short;
        },
        revoked: async () => {
          await world.ask('DELETE', `/v1/jobs/${id}/tokens`, { token: world.operator });
          return token;
        },
        altered: () => `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`,
      };
      const given = await tokens[what]?.();
      const before = await stored(id);
      const search = given === undefined ? '' : `?token=${given}`;
      const answer = await callback(`/${id}${search}`, { body: { status: 'RUNNING' } });
      expect(codeOf(answer)).toEqual([401, 'UNAUTHENTICATED']);
      expect(await stored(id)).toEqual(before);
    },
  );

  it('that was revoked learns nothing of the job, whatever it says', async () => {
    const { id, token } = await jobAt('run');
    await world.ask('DELETE', `/v1/jobs/${id}/tokens`, { token: world.operator });
    for (const body of [
      { name: 'explode' },
      { name: 'delete' },
      { name: 'reset' },
      { name: 'run' },
    ]) {
      expect(codeOf(await callback(`/${id}`, { token, body }))).toEqual([401, 'UNAUTHENTICATED']);
      const headers = { 'If-Match': '"77"' };
      const events = await world.ask('POST', `/v1/jobs/${id}/events`, { token, body, headers });
      expect(codeOf(events)).toEqual([401, 'UNAUTHENTICATED']);
    }
  });

  it("must be the job's own kind: others have the events route", async () => {
    const { id } = await world.create();
    for (const token of [world.admin, world.operator, world.reader, world.worker]) {
      const answer = await callback(`/${id}`, { token, body: { status: 'RUNNING' } });
      expect(codeOf(answer)).toEqual([403, 'FORBIDDEN']);
    }
    expect((await world.manager.job(id)).version).toBe(1);
  });

  it('that is good for one use answers the same report again, and no other', async () => {
    const { id } = await world.create();
    const token = limited(id, { once: true });
    const first = await callback(`/${id}?token=${token}`, { body: { status: 'RUNNING' } });
    expect(first.body).toMatchObject({ applied: true });
    const again = await callback(`/${id}?token=${token}`, { body: { status: 'RUNNING' } });
    expect(again.body).toEqual(first.body);
    const other = await callback(`/${id}?token=${token}`, { body: { status: 'FINISHED' } });
    expect(codeOf(other)).toEqual([401, 'UNAUTHENTICATED']);
    expect((await world.manager.job(id)).version).toBe(2);
  });

  it('that is for some events reports no others', async () => {
    const { id } = await world.create();
    const token = limited(id, { events: ['run', 'update'] });
    const send = (status: string) => callback(`/${id}?token=${token}`, { body: { status } });
    expect((await send('RUNNING')).body).toMatchObject({ applied: true });
    expect((await send('HEARTBEAT')).body).toMatchObject({ applied: true });
    expect(codeOf(await send('FINISHED'))).toEqual([403, 'FORBIDDEN']);
    expect((await world.manager.job(id)).state).toBe('RUNNING');
  });
});

describe('the job of a callback', () => {
  it('is named in the path, in the query or in the body', async () => {
    const { id, token } = await world.create();
    const status = 'HEARTBEAT';
    for (const [path, body] of [
      [`/${id}`, { status }],
      [`?uuid=${id}`, { status }],
      ['', { status, uuid: id }],
    ] as const) {
      const answer = await callback(path, { token, body });
      expect(answer.body).toMatchObject({ applied: true, job: { id } });
    }
  });

  it('is that of the body where the URL names another one', async () => {
    const [one, other] = [await world.create(), await world.create()];
    const body = { status: 'RUNNING', uuid: one.id };
    const answer = await callback(`?uuid=${other.id}`, { token: one.token, body });
    expect(answer.body).toMatchObject({ applied: true, job: { id: one.id } });
    expect((await world.manager.job(other.id)).version).toBe(1);
    const foreign = await callback(`?uuid=${other.id}`, { token: other.token, body });
    expect(codeOf(foreign)).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('is never another than that of the token, whatever a message says', async () => {
    const [one, other] = [await world.create(), await world.create()];
    const body = { status: 'RUNNING', uuid: one.id };
    expect(codeOf(await callback(`/${other.id}`, { token: one.token, body }))).toEqual([
      401,
      'UNAUTHENTICATED',
    ]);
    expect((await world.manager.job(other.id)).version).toBe(1);
  });

  it.each([
    ['nowhere', '', {}],
    ['as a number', '', { uuid: 7 }],
    ['as an operator', '', { uuid: { $ne: '' } }],
    ['as an empty text', '?uuid=', {}],
  ])('is wanted: named %s is a 400', async (_how, path, more) => {
    const { token } = await world.create();
    const answer = await callback(path, { token, body: { status: 'RUNNING', ...more } });
    expect(codeOf(answer)).toEqual([400, 'INVALID_DATA']);
  });

  it('that was deleted is not found', async () => {
    const { id, token } = await world.create();
    await world.ask('DELETE', `/v1/jobs/${id}?reason=test`, { token: world.admin });
    const answer = await callback(`/${id}`, { token, body: { status: 'RUNNING' } });
    expect(codeOf(answer)).toEqual([404, 'JOB_NOT_FOUND']);
  });

  it('that never was is not found (case 59)', async () => {
    const id = randomUUID();
    const answer = await callback(`/${id}?token=${limited(id, {})}`, {
      body: { status: 'QUEUED' },
    });
    expect(codeOf(answer)).toEqual([404, 'JOB_NOT_FOUND']);
  });
});

/** The table of the contract, word for word. */
const statuses: Record<string, string> = {
  run: 'RUNNING',
  finish: 'FINISHED',
  fail: 'FAILED STOPPED KILLED DELETED ARCHIVING_FAILED',
  update: 'HEARTBEAT UPDATED SOMETHING_NEW',
  resource:
    'CREATED PENDING QUEUED SUBMITTING STAGING_INPUTS STAGING_JOB STAGED PROCESSING_INPUTS PAUSED CLEANING_UP ARCHIVING ARCHIVING_FINISHED PERMISSION_GRANT PERMISSION_REVOKE',
};
const pairs = Object.entries(statuses).flatMap(([event, words]) =>
  words.split(' ').map((status): [string, string] => [status, event]),
);
const mixed = (text: string) =>
  [...text.toLowerCase()].map((c, index) => (index % 2 ? c : c.toUpperCase())).join('');

describe('an external status', () => {
  it('is one of 23 words, beside those that nobody knows', () => {
    expect(pairs).toHaveLength(24);
  });

  it.each(pairs)('%s means %s, in any case, from the body or the URL', async (status, event) => {
    for (const spelled of [status, status.toLowerCase(), mixed(status), ` ${status} `]) {
      for (const isInUrl of [false, true]) {
        const { id, token } = await jobAt('run');
        const search = isInUrl ? `?status=${encodeURIComponent(spelled)}` : '';
        const body = isInUrl ? { host: 'n1' } : { status: spelled, host: 'n1' };
        const answer = await callback(`/${id}${search}`, { token, body });
        expect(answer.body).toMatchObject({ applied: true, entries: [{ name: event }] });
        expect((await lastEntry(id))?.data).toEqual(body);
      }
    }
  });

  it('in the body goes before that in the URL (case 59)', async () => {
    const { id, token } = await world.create();
    const answer = await callback(`/${id}?status=FAILED`, { token, body: { status: 'RUNNING' } });
    expect(answer.body).toMatchObject({ applied: true, job: { state: 'RUNNING' } });
  });

  it.each([[7], [{}], [''], ['  '], [[]], [false]])('that is %j is a 400', async (status) => {
    const { id, token } = await world.create();
    const answer = await callback(`/${id}?status=RUNNING`, { token, body: { status } });
    expect(codeOf(answer)).toEqual([400, 'INVALID_DATA']);
    expect((await world.manager.job(id)).version).toBe(1);
  });

  it.each(['__proto__', 'constructor', 'toString', '$where', 'x'.repeat(5_000)])(
    'that is as odd as %.20s is an update',
    async (status) => {
      const { id, token } = await world.create();
      const answer = await callback(`/${id}`, { token, body: { status } });
      expect(answer.body).toMatchObject({ applied: true, entries: [{ name: 'update' }] });
    },
  );
});

describe('what a callback may bring', () => {
  it('is kept but for its envelope', async () => {
    const { id, token } = await world.create();
    const kept = { data: { n: 1 }, nested: { token: 'a', uuid: 'b', name: 'c' }, list: [1] };
    const body = {
      ...{ _links: { self: 'x' }, retries: 3, localId: '17', uuid: id, event: 'update', token },
      ...{ name: 'run', status: 'RUNNING' },
      ...kept,
    };
    const answer = await callback(`/${id}`, { body });
    expect(answer.body).toMatchObject({ applied: true, entries: [{ name: 'run' }] });
    expect((await lastEntry(id))?.data).toEqual({ status: 'RUNNING', ...kept });
  });

  it.each([
    ['name', { name: 'run' }, ''],
    ['name in capitals', { name: 'RUN' }, ''],
    ['event', { event: 'run' }, ''],
    ['name in the URL', {}, '?name=run'],
    ['event in the URL', {}, '?event=Run'],
    ['name before status', { name: 'run', status: 'FAILED' }, '?status=FAILED'],
    ['name in the body before the URL', { name: 'run' }, '?name=fail'],
  ])('names its event by %s', async (_how, body, search) => {
    const { id, token } = await world.create();
    const answer = await callback(`/${id}${search}`, { token, body });
    expect(answer.body).toMatchObject({ applied: true, entries: [{ name: 'run' }] });
  });

  it('says what happened, or is a 400 (case 59)', async () => {
    const { id, token } = await world.create();
    for (const body of [undefined, {}, { data: {} }, { name: 7 }, { name: null, event: null }]) {
      const answer = await callback(`/${id}`, { token, body });
      expect(codeOf(answer)).toEqual([400, 'INVALID_DATA']);
    }
    const unknown = await callback(`/${id}`, { token, body: { name: 'explode' } });
    expect(codeOf(unknown)).toEqual([400, 'UNKNOWN_EVENT']);
    expect((await world.manager.job(id)).version).toBe(1);
  });

  it('may be nothing at all, with everything in the URL', async () => {
    const { id, token } = await world.create();
    const answer = await callback(`?uuid=${id}&token=${token}&status=RUNNING&x-nonce=1`);
    expect(answer.body).toMatchObject({
      applied: true,
      entries: [{ name: 'run', data: {} }],
    });
  });

  it.each([
    ['application/x-www-form-urlencoded', 200],
    ['application/json; charset=utf-8', 200],
    ['application/vnd.agave+json', 200],
    ['text/plain', 415],
    ['application/xml', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/json; charset=latin1', 415],
  ])('sent as %s is answered %i', async (type, status) => {
    const { id, token } = await world.create();
    const headers = { 'content-type': type };
    const answer = await callback(`/${id}`, { token, headers, body: '{"status":"RUNNING"}' });
    expect(answer.status).toBe(status);
    expect((await world.manager.job(id)).version).toBe(status === 200 ? 2 : 1);
  });

  it.each([
    ['status=RUNNING', 'MALFORMED_JSON'],
    ['[{"status":"RUNNING"}]', 'MALFORMED_JSON'],
    ['{"status":"RUNNING"', 'MALFORMED_JSON'],
    ['{"status":"RUNNING","status":"FAILED"}', 'MALFORMED_JSON'],
  ])('that is %s is a 400', async (body, code) => {
    const { id, token } = await world.create();
    expect(codeOf(await callback(`/${id}`, { token, body }))).toEqual([400, code]);
  });

  it('is at most 256 KiB', async () => {
    const { id, token } = await world.create();
    const answer = await callback(`/${id}`, {
      token,
      body: { status: 'x', pad: 'x'.repeat(2 ** 18) },
    });
    expect(codeOf(answer)).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });
});

describe('a report that comes late or again', () => {
  it.each([
    ['RUNNING', ['run', 'finish'], 'FINISHED'],
    ['HEARTBEAT', ['run', 'finish'], 'FINISHED'],
    ['QUEUED', ['run', 'finish'], 'FINISHED'],
    ['FAILED', ['run', 'finish'], 'FINISHED'],
    ['FAILED', ['fail'], 'FAILED'],
    ['FINISHED', [], 'CREATED'],
    ['RUNNING', ['run', 'finish', 'retire'], 'RETIRED'],
  ])('%s after %j is told and not written', async (status, events, from) => {
    const { id, token } = await jobAt(...events);
    const before = await stored(id);
    const answer = await callback(`/${id}`, { token, body: { status } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ applied: false, code: 'INVALID_TRANSITION', from });
    expect(await stored(id)).toEqual(before);
  });

  it('by name is told and not written as well', async () => {
    const { id, token } = await jobAt('run');
    const answer = await callback(`/${id}`, { token, body: { name: 'finalize' } });
    expect(answer.body).toEqual({ applied: false, code: 'INVALID_TRANSITION', from: 'RUNNING' });
  });

  it.each([
    ['RUNNING', []],
    ['FINISHED', ['run']],
  ])('%s twice is one entry; with other data it is news', async (status, events) => {
    const { id, token } = await jobAt(...events);
    const send = (body: Record<string, unknown>) => callback(`/${id}`, { token, body });
    expect((await send({ status, at: 1 })).body).toMatchObject({ applied: true });
    const before = await stored(id);
    const again = await send({ at: 1, status });
    expect(again.body).toEqual({ applied: false, code: 'ALREADY_REPORTED', from: status });
    expect(await stored(id)).toEqual(before);
    expect((await send({ status, at: 2 })).body).toMatchObject({ applied: true });
  });

  it('is applied once however often its key comes', async () => {
    const { id, token } = await world.create();
    const send = (body: unknown) =>
      callback(`/${id}`, { token, body, headers: { 'Idempotency-Key': 'k-1' } });
    const first = await send({ status: 'HEARTBEAT', n: 1 });
    expect((await send({ status: 'HEARTBEAT', n: 1 })).body).toEqual(first.body);
    expect(first.body).toMatchObject({ applied: true, entries: [{ key: 'k-1' }] });
    await callback(`/${id}`, { token, body: { status: 'RUNNING' } });
    await callback(`/${id}`, { token, body: { status: 'FINISHED' } });
    // What is impossible now was accepted then.
    expect((await send({ status: 'HEARTBEAT', n: 1 })).body).toEqual(first.body);
    expect(codeOf(await send({ status: 'HEARTBEAT', n: 2 }))).toEqual([
      422,
      'IDEMPOTENCY_CONFLICT',
    ]);
    expect((await world.manager.job(id)).version).toBe(4);
  });

  it('a hundred times at once leaves each milestone in the history', async () => {
    const { id, token } = await world.create();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_each, n) =>
        callback(`/${id}`, { token, body: { status: n % 2 ? 'HEARTBEAT' : 'QUEUED', n } }),
      ),
    );
    expect(answers.every(({ body }) => body['applied'] === true)).toBe(true);
    expect((await world.manager.job(id)).version).toBe(101);
  });
});

describe('events of administrators', () => {
  it.each([
    ['reset', []],
    ['reset', ['run', 'finish', 'retire']],
    ['RESET', ['run']],
    ['ready', []],
    ['Ready', ['fail']],
    ['delete', ['run']],
  ])('%s after %j is refused, and the attempt is on record', async (name, events) => {
    const { id, token } = await jobAt(...events);
    const before = await stored(id);
    const requestId = randomUUID();
    const headers = { 'X-Request-Id': requestId };
    for (const body of [{ name }, { event: name }, { name, data: {} }]) {
      const answer = await callback(`/${id}`, { token, body, headers });
      expect(codeOf(answer)).toEqual([403, 'ADMIN_REQUIRED']);
    }
    const inUrl = await callback(`/${id}?name=${name}`, { token, headers });
    expect(codeOf(inUrl)).toEqual([403, 'ADMIN_REQUIRED']);
    expect(await stored(id)).toEqual(before);
    await world.service.audit.settle();
    const { body } = await world.ask('GET', '/v1/audit', { token: world.admin });
    const records = body['records'] as Record<string, unknown>[];
    const own = records.filter((record) => record['requestId'] === requestId);
    expect(own).toHaveLength(4);
    expect(own[0]).toMatchObject({
      ...{ outcome: 'refused', code: 'ADMIN_REQUIRED', jobId: id, action: 'job.send' },
      actor: { kind: 'job', id },
      tokenId: expect.any(String) as string,
    });
  });

  it('are refused in RESET too, where one of them is possible', async () => {
    const { id } = await world.create();
    const body = { name: 'reset' };
    await world.ask('POST', `/v1/jobs/${id}/events`, { token: world.admin, body });
    const { generation } = (
      await world.ask('DELETE', `/v1/jobs/${id}/tokens`, { token: world.operator })
    ).body as { generation: number };
    const token = limited(id, { generation });
    const answer = await callback(`/${id}`, { token, body: { name: 'ready' } });
    expect(codeOf(answer)).toEqual([403, 'ADMIN_REQUIRED']);
    expect((await world.manager.job(id)).state).toBe('RESET');
  });
});

/** The report of an Agave scheduler, as it sends it for each change of its job's status. */
const agave = (status: string) => ({
  id: '8d1b6c21-0001-007',
  name: 'tacobot-4711',
  owner: 'vaughn',
  appId: 'tacobot-0.1.0u1',
  executionSystem: 'hpc-tacc-maverick',
  batchQueue: 'gpu',
  retries: 0,
  localId: '10321',
  archive: true,
  archivePath: '/products/v2/106/abc',
  archiveSystem: 'data-sd2e-community',
  status,
  inputs: { file1: 'agave://data-sd2e-community/uploads/tacos.txt' },
  parameters: { CONTROLFILE: null },
  created: '2019-01-31T14:00:00.000-06:00',
  _links: { self: { href: 'https://api.sd2e.org/jobs/v2/8d1b6c21-0001-007' } },
});

describe('the reports of Agave and Tapis', () => {
  it('lead a job to its end, with uuid, token and status in the URL', async () => {
    const { id, token } = await world.create();
    const seen: unknown[] = [];
    for (const status of ['PENDING', 'STAGED', 'QUEUED', 'RUNNING', 'CLEANING_UP', 'FINISHED']) {
      const search = `?token=${token}&uuid=${id}&status=${status}`;
      const answer = await callback(search, { body: agave(status) });
      expect(answer.body).toMatchObject({ applied: true });
      const { name, retries, localId, _links, ...kept } = agave(status);
      const entry = await lastEntry(id);
      seen.push(entry?.name);
      expect(entry?.data).toEqual(kept);
      expect([name, retries, localId, _links].every((field) => field !== undefined)).toBe(true);
    }
    expect(seen).toEqual(['resource', 'resource', 'resource', 'run', 'resource', 'finish']);
    expect((await world.manager.job(id)).state).toBe('FINISHED');
  });

  it('may still hold the placeholder of the status in the URL, as the body tells it', async () => {
    const { callbackUrl, id } = await world.create();
    const { pathname, search } = new URL(callbackUrl);
    const answer = await world.ask('POST', `${pathname}${search}&status=\${JOB_STATUS}`, {
      body: agave('RUNNING'),
    });
    expect(answer.body).toMatchObject({ applied: true, job: { id, state: 'RUNNING' } });
    // Nobody filled it in: a status that nobody knows.
    const unfilled = await world.ask('POST', `${pathname}${search}&status=\${JOB_STATUS}`);
    expect(unfilled.body).toMatchObject({ applied: true, entries: [{ name: 'update' }] });
  });

  it('by a URL with the job in its path may speak of an id of their own', async () => {
    const { id, token } = await world.create();
    const body = { ...agave('RUNNING'), uuid: '8d1b6c21-0001-007' };
    const answer = await callback(`/${id}?token=${token}`, { body });
    expect(answer.body).toMatchObject({ applied: true, job: { id, state: 'RUNNING' } });
  });
});
