import { IdempotencyConflict, InvalidData, InvalidTransition, VersionMismatch } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { historyOf, namesOf, useWorld } from './world.ts';

const world = useWorld();
const run = [{ name: 'run', data: { a: 1, b: 2 } }];

describe('a request under a key', () => {
  it('is applied once and answered alike, and its entry shows the key', async () => {
    const job = await world.newJob();
    await job.sendAll(run, { key: 'k1' });
    const before = await world.stored(job.id);
    const view = job.view();
    await job.sendAll(run, { key: 'k1' });
    await job.sendAll([{ name: 'RUN', data: { b: 2, a: 1 } }], { key: 'k1' });
    expect(job.view()).toEqual(view);
    expect(await world.stored(job.id)).toEqual(before);
    expect((await historyOf(job)).map(({ name, key }) => [name, key])).toEqual([
      ['create', undefined],
      ['run', 'k1'],
    ]);
  });

  it('is applied once though it comes many times at once, from two managers', async () => {
    const { id } = await world.newJob();
    const other = await world.open();
    const handles = await Promise.all(
      Array.from({ length: 20 }, (_, place) => (place % 2 ? world.manager : other).job(id)),
    );
    const chain = [...run, { name: 'update' }, { name: 'finish' }];
    const answers = await Promise.all(handles.map((job) => job.sendAll(chain, { key: 'many' })));
    expect(new Set(answers.map(({ version, state }) => `${version} ${state}`))).toEqual(
      new Set(['4 FINISHED']),
    );
    expect(await namesOf(await world.manager.job(id))).toBe('create run update finish');
  });

  it('is answered as it first was, though the job has moved on', async () => {
    const job = await world.newJob();
    const [late, later] = [await world.manager.job(job.id), await world.manager.job(job.id)];
    await job.sendAll(run, { key: 'moved', ifVersion: 1 });
    await job.update().finish();
    await late.sendAll(run, { key: 'moved' });
    expect(late.view()).toMatchObject({ state: 'RUNNING', version: 2, lastEvent: 'run' });
    await later.sendAll(run, { key: 'moved', ifVersion: 1 });
    expect(later.view()).toEqual({ ...late.view() });
    // What is known already is not forgotten for an older answer.
    await job.sendAll(run, { key: 'moved' });
    expect(job.version).toBe(4);
    expect(await namesOf(job)).toBe('create run update finish');
  });

  it.each([
    ['another event', [{ name: 'update', data: { a: 1, b: 2 } }]],
    ['other data', [{ name: 'run', data: { a: 1 } }]],
    ['no data', [{ name: 'run' }]],
    ['more events', [...run, { name: 'update' }]],
  ])('is refused to %s under the same key', async (_what, events) => {
    const job = await world.newJob();
    await job.sendAll(run, { key: 'taken' });
    const error = await world.refusal(job.id, IdempotencyConflict, () =>
      job.sendAll(events, { key: 'taken' }),
    );
    expect(error.toJSON()).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', key: 'taken' });
    // Also where the machine would refuse it by now.
    await job.finish();
    await world.refusal(job.id, IdempotencyConflict, () => job.sendAll(events, { key: 'taken' }));
  });

  it('is refused to another actor', async () => {
    const job = await world.newJob();
    await job.sendAll(run, { key: 'mine' });
    for (const token of [world.adminToken, job.token]) {
      const other = await world.manager.job(job.id, { token });
      await world.refusal(job.id, IdempotencyConflict, () => other.sendAll(run, { key: 'mine' }));
    }
  });

  it('is not spent by a refusal', async () => {
    const job = await world.newJob();
    const finish = [{ name: 'finish' }];
    await world.refusal(job.id, InvalidTransition, () => job.sendAll(finish, { key: 'once' }));
    await world.refusal(job.id, VersionMismatch, () =>
      job.sendAll(run, { key: 'once', ifVersion: 7 }),
    );
    await job.run();
    expect((await job.sendAll(finish, { key: 'once' })).state).toBe('FINISHED');
  });

  it('concerns its own job only', async () => {
    const [one, other] = [await world.newJob(), await world.newJob()];
    await one.sendAll(run, { key: 'same' });
    await other.sendAll([{ name: 'fail' }], { key: 'same' });
    expect([one.state, other.state]).toEqual(['RUNNING', 'FAILED']);
  });

  it('of a reset repeats the whole action', async () => {
    const job = await world.asAdmin((await world.newJob()).id);
    await job.run();
    await job.reset({ reason: 'again', key: 'reset-1' });
    await job.reset({ reason: 'again', key: 'reset-1' });
    expect(await namesOf(job)).toBe('create run reset ready');
    await job.run();
    await job.reset({ reason: 'again', key: 'reset-1' });
    expect(await namesOf(job)).toBe('create run reset ready run');
    await world.refusal(job.id, IdempotencyConflict, () =>
      job.reset({ reason: 'for another reason', key: 'reset-1' }),
    );
  });

  it('is free again once the job was deleted', async () => {
    const input = { data: { deleted: 'and set up again' } };
    const job = await world.newJob(input);
    await job.sendAll(run, { key: 'freed' });
    await job.delete({ token: world.adminToken, reason: 'a new life' });
    const again = await world.newJob(input);
    expect(again.id).toBe(job.id);
    await again.sendAll([{ name: 'fail' }], { key: 'freed' });
    expect(again.state).toBe('FAILED');
  });
});

describe('a key', () => {
  const unfit = ['', ' ', 'x'.repeat(201), 'a\ud800', 'a\0b', 5, {}, null];
  it.each(unfit.map((key) => ({ key })))(
    'that is no plain text is refused: $key',
    async ({ key }) => {
      const job = await world.newJob();
      const options = { key: key as unknown as string };
      const error = await world.refusal(job.id, InvalidData, () => job.sendAll(run, options));
      expect(error.issues).toMatchObject([{ path: 'key' }]);
      const admin = await world.asAdmin(job.id);
      await world.refusal(job.id, InvalidData, () => admin.reset({ reason: 'x', ...options }));
    },
  );

  it('that the engine may come to use itself is refused', async () => {
    const { id } = await world.newJob();
    const job = await world.asAdmin(id);
    for (const key of [`effect:${id}:3:0:ready`, 'once:0', 'Effect:x']) {
      if (key.startsWith('E')) await job.sendAll([{ name: 'update' }], { key });
      else await world.refusal(id, InvalidData, () => job.sendAll(run, { key }));
    }
    await job.reset({ reason: 'it finds its own key free' });
    expect(job.state).toBe('CREATED');
  });
});
