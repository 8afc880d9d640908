import {
  AdminRequired,
  Forbidden,
  InvalidData,
  InvalidTransition,
  JobNotFound,
  Unauthenticated,
} from 'jobwright';
import { describe, expect, it } from 'vitest';
import { caught, historyOf, namesOf, useWorld, type PipelineJobHandle } from './world.ts';

const world = useWorld({ frozenAt: '2026-11-16T09:00:00.000Z' });
const as = (id: string, token: string | undefined) => world.manager.job(id, { token });
const tokenOf = (kind: 'reader' | 'worker' | 'operator' | 'admin', subject = 'sam') =>
  world.manager.issueToken({ kind, subject }).token;
const reason = 'it was asked for';
/** Resolves with what the attempt is refused with: the class's name, or `done`. */
const outcome = async (attempt: () => unknown): Promise<string> => {
  try {
    await attempt();
    return 'done';
  } catch (error) {
    return (error as Error).constructor.name;
  }
};

describe('the token of a job', () => {
  it('reads and sends, and its entries name the job', async () => {
    const job = await world.newJob();
    const own = await as(job.id, job.token);
    await own.run({ host: 'node17' }).finish();
    expect(own.view()).toEqual((await job.refresh()).view());
    const entries = await historyOf(own);
    expect(entries.map(({ actor }) => actor)).toEqual([
      { kind: 'operator', id: 'library' },
      { kind: 'job', id: job.id },
      { kind: 'job', id: job.id },
    ]);
    expect((await own.allowedEvents()).map(({ name }) => name)).toContain('index');
  });

  it('stands in the callback URL', async () => {
    const manager = await world.open({ publicUrl: 'https://jobs.example.org/api/' });
    const job = await manager.job((await world.newJob()).id);
    const url = new URL(job.callbackUrl);
    expect(url.origin + url.pathname).toBe(`https://jobs.example.org/api/v1/callbacks/${job.id}`);
    expect(url.searchParams.get('token')).toBe(job.token);
    expect(job.token).toBe(job.token);
  });

  it('is for no other job', async () => {
    const [job, other] = [await world.newJob(), await world.newJob()];
    const error = await world.refusal(job.id, Unauthenticated, () => as(job.id, other.token));
    expect(error.reason).toBe('the token belongs to another job');
    const nobody = '00000000-0000-5000-8000-000000000000';
    expect(await outcome(() => as(nobody, job.token))).toBe(JobNotFound.name);
  });

  it('makes no further tokens', async () => {
    const job = await world.newJob();
    const own = await as(job.id, job.token);
    expect(await outcome(() => own.token)).toBe(Unauthenticated.name);
    expect(await outcome(() => own.issueToken())).toBe(Forbidden.name);
    await world.refusal(job.id, Forbidden, () => own.revokeTokens());
  });

  it.each([
    ['revocation', (job: PipelineJobHandle) => job.revokeTokens('lost')],
    ['reset', (job: PipelineJobHandle) => job.reset({ token: world.adminToken, reason })],
    ['raw reset', async (job: PipelineJobHandle) => (await world.asAdmin(job.id)).send('reset')],
  ])('dies by a %s, as does every handle that was taken with it', async (_way, end) => {
    const job = await world.newJob();
    const { token } = job;
    const own = await as(job.id, token);
    await own.update();
    await end(job);
    await job.refresh();
    await world.refusal(job.id, Unauthenticated, () => as(job.id, token));
    await world.refusal(job.id, Unauthenticated, () => own.update());
    await world.refusal(job.id, Unauthenticated, () => own.cancel());
    for (const read of [() => own.refresh(), () => own.history(), () => own.allowedEvents()]) {
      expect(await outcome(read)).toBe(Unauthenticated.name);
    }
    expect(job.token).not.toBe(token);
    expect(await outcome(() => as(job.id, job.token))).toBe('done');
  });

  it('leaves a revocation in the history, with its reason and the new generation', async () => {
    const job = await world.newJob();
    await job.run();
    const generation = await job.revokeTokens('lost on a train');
    expect(generation).toBe(3);
    expect((await historyOf(job)).at(-1)).toMatchObject({
      seq: 3,
      name: 'revoke',
      data: { reason: 'lost on a train' },
      from: 'RUNNING',
      to: 'RUNNING',
    });
  });

  it('does not come back to life with a job that was deleted and set up again', async () => {
    const input = { data: { deleted: 'tokens' } };
    const job = await world.newJob(input);
    const { token } = job;
    await job.delete({ token: world.adminToken, reason });
    expect(await outcome(() => as(job.id, token))).toBe(JobNotFound.name);
    const again = await world.newJob(input);
    expect(await outcome(() => as(again.id, token))).toBe(Unauthenticated.name);
  });

  it('may be for some events only, whatever their case', async () => {
    const job = await world.newJob();
    const { token } = job.issueToken({ events: ['run', 'Update'] });
    const own = await as(job.id, token);
    await own.send('RUN').update();
    const error = await world.refusal(job.id, Forbidden, () => own.finish());
    expect(error.message).toBe('Not allowed to send events: this token is only for run, update');
    await world.refusal(job.id, Forbidden, () => own.update().send('Fail'));
    expect(await namesOf(own)).toBe('create run update');

    const fresh = await world.newJob();
    const reading = await as(fresh.id, fresh.issueToken({ events: [] }).token);
    await world.refusal(fresh.id, Forbidden, () => reading.run());
    await world.refusal(fresh.id, Forbidden, () => reading.cancel());
    expect((await reading.refresh()).state).toBe('CREATED');
  });

  it('may be good for one accepted send', async () => {
    const job = await world.newJob();
    const own = await as(job.id, job.issueToken({ once: true }).token);
    await world.refusal(job.id, InvalidTransition, () => own.finish());
    await own.run({ n: 1 }).update();
    const before = await world.stored(job.id);
    await own.run({ n: 1 }).update();
    expect(await world.stored(job.id)).toEqual(before);
    const error = await world.refusal(job.id, Unauthenticated, () => own.update());
    expect(error.reason).toBe('the one-time token was used');
    await world.refusal(job.id, Unauthenticated, () =>
      own.sendAll([{ name: 'run' }], { key: 'k' }),
    );
    expect((await own.refresh()).version).toBe(3);
  });

  it('that is one-time is used once, though it comes many times at once', async () => {
    const job = await world.newJob();
    const { token } = job.issueToken({ once: true });
    const handles = await Promise.all(Array.from({ length: 10 }, () => as(job.id, token)));
    const outcomes = await Promise.all(
      handles.map((own, number) => outcome(() => own.update({ number }))),
    );
    expect(outcomes.toSorted()).toEqual([
      ...Array.from({ length: 9 }, () => Unauthenticated.name),
      'done',
    ]);
    expect(await namesOf(job)).toBe('create update');
  });

  it('ends with its time', async () => {
    const job = await world.newJob();
    const { token, expiresAt } = job.issueToken({ ttl: 90 });
    expect(expiresAt.toISOString()).toBe('2026-11-16T09:01:30.000Z');
    world.passTime(89_999);
    expect(await outcome(() => as(job.id, token))).toBe('done');
    world.passTime(1);
    const error = await world.refusal(job.id, Unauthenticated, () => as(job.id, token));
    expect(error.reason).toBe('the token has expired');
  });

  it('is refused where it asks for what there is not', async () => {
    const job = await world.newJob();
    for (const limits of [{ ttl: 0 }, { ttl: 1.5 }, { ttl: 366 * 86_400 }, { events: ['a b'] }]) {
      expect(await outcome(() => job.issueToken(limits))).toBe(InvalidData.name);
    }
    // A limit that was passed over would make it good for more.
    const misspelt: object = { evnts: ['run'] };
    expect(await outcome(() => job.issueToken(misspelt))).toBe(InvalidData.name);
  });
});

describe('what is no token', () => {
  it.each([
    undefined,
    null,
    '',
    'x',
    'a.b.c',
    '..',
    'x'.repeat(5_000),
    5,
    {},
    ['a'],
    'eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZGEifQ.',
  ])('opens nothing: %s', async (given) => {
    const job = await world.newJob();
    const token = given as string;
    await world.refusal(job.id, Unauthenticated, () => as(job.id, token));
    if (token === undefined) return;
    await world.refusal(job.id, Unauthenticated, () => job.reset({ token, reason }));
    await world.refusal(job.id, Unauthenticated, () => job.delete({ token, reason }));
  });
});

describe('who may do what', () => {
  const actions = {
    read: (job: PipelineJobHandle) => job.history(),
    send: (job: PipelineJobHandle) => job.update(),
    ready: (job: PipelineJobHandle) => job.ready(),
    'raw reset': (job: PipelineJobHandle) => job.send('reset'),
    issue: (job: PipelineJobHandle) => job.issueToken(),
    revoke: (job: PipelineJobHandle) => job.revokeTokens(),
    reset: (job: PipelineJobHandle) => job.reset({ reason }),
    delete: (job: PipelineJobHandle) => job.delete({ reason }),
    cancel: (job: PipelineJobHandle) => job.cancel(),
  };
  const [no, admin] = [Forbidden.name, AdminRequired.name];
  it.each([
    ['reader', ['done', no, no, no, no, no, admin, admin, no]],
    ['operator', ['done', 'done', admin, admin, 'done', 'done', admin, admin, 'done']],
    // An admin's ready comes at a wrong time here, and is told so.
    [
      'admin',
      ['done', 'done', 'InvalidTransition', 'done', 'done', 'done', 'done', 'done', 'done'],
    ],
    ['library', ['done', 'done', admin, admin, 'done', 'done', admin, admin, 'done']],
  ] as const)('is one table: %s', async (kind, expected) => {
    const seen: string[] = [];
    for (const attempt of Object.values(actions)) {
      const { id } = await world.newJob();
      const job = kind === 'library' ? await world.manager.job(id) : await as(id, tokenOf(kind));
      seen.push(await outcome(() => attempt(job)));
    }
    expect(Object.fromEntries(Object.keys(actions).map((name, i) => [name, seen[i]]))).toEqual(
      Object.fromEntries(Object.keys(actions).map((name, i) => [name, expected[i]])),
    );
  });

  it('gives a worker none on single jobs, nor their sight', async () => {
    const job = await world.newJob();
    expect(await caught(() => as(job.id, tokenOf('worker')))).toBeInstanceOf(Forbidden);
  });

  it('is told by a token given for one call only', async () => {
    const job = await world.newJob();
    for (const kind of ['reader', 'worker', 'operator'] as const) {
      const token = tokenOf(kind);
      await world.refusal(job.id, AdminRequired, () => job.reset({ token, reason }));
      await world.refusal(job.id, AdminRequired, () => job.delete({ token, reason }));
    }
    await job.reset({ token: tokenOf('admin', 'ada'), reason });
    expect(await caught(() => job.ready())).toBeInstanceOf(AdminRequired);
  });

  it('stands in the history, by kind and subject', async () => {
    const job = await world.newJob();
    await (await as(job.id, job.token)).run();
    await (await as(job.id, tokenOf('operator', 'olga'))).update();
    await (await as(job.id, tokenOf('admin', 'ada'))).finish();
    await job.reset({ token: tokenOf('admin', 'bea'), reason });
    expect(
      (await historyOf(job)).map(({ name, actor }) => `${name} ${actor.kind} ${actor.id}`),
    ).toEqual([
      'create operator library',
      `run job ${job.id}`,
      'update operator olga',
      'finish admin ada',
      'reset admin bea',
      'ready admin bea',
    ]);
  });
});
