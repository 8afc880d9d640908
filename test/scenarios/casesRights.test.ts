import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AdminRequired,
  CancelTooLate,
  EffectFailed,
  InvalidData,
  InvalidTransition,
  JobNotFound,
  ManagedPipelineJobInstance,
  Unauthenticated,
  type EventMessage,
} from 'jobwright';
import { describe, expect, it } from 'vitest';
import { namesOf, useWorld } from './world.ts';

const world = useWorld({ frozenAt: '2026-11-16T09:00:00.000Z' });
const as = (id: string, token: string | undefined) => world.manager.job(id, { token });

describe('credentials', () => {
  it('must be there, genuine and of this very job (case 46)', async () => {
    const [job, other] = [await world.newJob(), await world.newJob()];
    for (const token of [undefined, '', '0dc73dc3ff39b49a', `${job.token}x`, other.token]) {
      await world.refusal(job.id, Unauthenticated, () => as(job.id, token));
    }
    const own = await as(job.id, job.token);
    expect((await own.run()).state).toBe('RUNNING');
  });

  it('of a job stay valid after a refused event, as after an accepted one (case 47)', async () => {
    const { id, token } = await world.newJob();
    const job = await as(id, token);
    await world.refusal(id, InvalidTransition, () => job.finish());
    await (await as(id, token)).run();
    await (await as(id, token)).finish();
    expect(await namesOf(job)).toBe('create run finish');
  });

  it('of an admin do for every event of any job (case 48)', async () => {
    for (const { id } of [await world.newJob(), await world.newJob()]) {
      const job = await world.asAdmin(id);
      expect((await job.run().update().finish()).state).toBe('FINISHED');
      const { entries } = await job.history({ after: 1 });
      expect(entries.map(({ actor }) => actor)).toEqual(
        Array.from({ length: 3 }, () => ({ kind: 'admin', id: 'ada' })),
      );
    }
  });

  it('of a job do not reset, ready or delete (case 49)', async () => {
    const { id, token } = await world.newJob();
    const job = await as(id, token);
    const reason = 'no right to it';
    await world.refusal(id, AdminRequired, () => job.reset({ reason }));
    await world.refusal(id, AdminRequired, () => job.reset({ reason, token }));
    await world.refusal(id, AdminRequired, () => job.ready());
    await world.refusal(id, AdminRequired, () => job.delete({ reason }));
    await world.refusal(id, AdminRequired, () => job.delete({ reason, token }));
    expect((await job.refresh()).version).toBe(1);
  });

  it('of an admin end with their lifetime, which can be said (case 51)', async () => {
    const { id } = await world.newJob();
    const usual = world.manager.issueToken({ kind: 'admin', subject: 'ada' });
    const short = world.manager.issueToken({ kind: 'admin', subject: 'ada', ttl: 60 });
    expect(usual.expiresAt.toISOString()).toBe('2026-11-16T10:00:00.000Z');

    world.passTime(59_000);
    await (await as(id, short.token)).run();
    world.passTime(1_000);
    await world.refusal(id, Unauthenticated, () => as(id, short.token));
    const job = await as(id, usual.token);

    world.passTime(2 * 3_600_000);
    const late = await world.refusal(id, Unauthenticated, () => as(id, usual.token));
    expect(late.reason).toBe('the token has expired');
    const given = { token: usual.token, reason: 'late' };
    await world.refusal(id, Unauthenticated, async () =>
      (await world.manager.job(id)).reset(given),
    );
    // A handle taken in time is the answer to a check that was made then.
    expect(job.state).toBe('RUNNING');
  });
});

describe('the end of a job', () => {
  it('by cancel comes before anything has happened, and only then (case 53)', async () => {
    const job = await world.newJob();
    const own = await as(job.id, job.token);
    await own.cancel();
    await expect(job.run()).rejects.toThrow(JobNotFound);
    await expect(world.manager.job(job.id)).rejects.toThrow(JobNotFound);

    for (const name of ['run', 'update']) {
      const late = await world.newJob();
      await late.send(name);
      const error = await world.refusal(late.id, CancelTooLate, () => late.cancel());
      expect(error).toMatchObject({ code: 'CANCEL_TOO_LATE', from: late.state });
      expect(error.message).toContain('Send a fail event instead');
    }
  });

  it('does not come by fail, which keeps the job (case 55)', async () => {
    const job = await world.newJob();
    await job.fail({ exit: 137 });
    expect(job.state).toBe('FAILED');
    expect(await namesOf(await world.manager.job(job.id))).toBe('create fail');
  });

  it('by delete cleans every link and keeps the files (case 58)', async () => {
    const job = await world.asAdmin((await world.newJob()).id);
    await writeFile(join(job.archiveDirectory, 'kept.csv'), '1');
    const { documents } = world.manager;
    await documents.put('files', 'f58', { generated_by: [job.id], child_of: ['else', job.id] });
    await documents.put('samples', 's58', { acted_on: [job.id], derived_from: [job.id, 'f58'] });

    await job.delete({ reason: 'a duplicate' });

    await expect(world.manager.job(job.id)).rejects.toThrow(JobNotFound);
    expect(await documents.get('files', 'f58')).toEqual({
      id: 'f58',
      generated_by: [],
      child_of: ['else'],
    });
    expect(await documents.get('samples', 's58')).toEqual({
      id: 's58',
      acted_on: [],
      derived_from: ['f58'],
    });
    expect(await readdir(job.archiveDirectory)).toEqual(['kept.csv']);
    await expect(job.delete({ reason: 'again' })).rejects.toThrow(JobNotFound);
  });
});

describe('a reset', () => {
  it('empties the archive and keeps its directory (case 56)', async () => {
    const job = await world.asAdmin((await world.newJob()).id);
    await job.run().finish();
    await writeFile(join(job.archiveDirectory, 'result.csv'), '1');
    await job.reset({ reason: 'again' });
    expect(await readdir(job.archiveDirectory)).toEqual([]);
    expect(job.state).toBe('CREATED');

    await writeFile(join(job.archiveDirectory, 'result.csv'), '1');
    await job.reset({ reason: 'and again', keepArchive: true });
    expect(await readdir(job.archiveDirectory)).toEqual(['result.csv']);
    expect(job.state).toBe('CREATED');
  });

  it.each(['ready', 'reset'] as const)(
    'that cannot empty it leaves RESET, and an admin recovers it by %s (case 56)',
    async (way) => {
      const job = await world.asAdmin((await world.newJob()).id);
      await job.run().finish();
      const outside = join(world.options.home, `outside-${way}`);
      await mkdir(outside);
      await writeFile(join(outside, 'precious'), '1');
      await rename(job.archiveDirectory, `${job.archiveDirectory}.aside`);
      await symlink(outside, job.archiveDirectory);

      await expect(job.reset({ reason: 'again' })).rejects.toThrow(EffectFailed);
      expect((await job.refresh()).state).toBe('RESET');
      await world.refusal(job.id, InvalidTransition, () => job.run());
      expect(await readdir(outside)).toEqual(['precious']);

      await rm(job.archiveDirectory);
      await rename(`${job.archiveDirectory}.aside`, job.archiveDirectory);
      if (way === 'ready') await job.ready();
      else await job.reset({ reason: 'mended' });
      expect(job.state).toBe('CREATED');
      expect((await job.run()).state).toBe('RUNNING');
    },
  );
});

describe('a message for an instance (case 59)', () => {
  const instanceOf = (uuid: string, token?: string) =>
    new ManagedPipelineJobInstance({ ...world.options, uuid, token });

  it('is for a job that is there', async () => {
    const uuid = '00000000-0000-5000-8000-000000000000';
    const instance = instanceOf(uuid, world.adminToken);
    await expect(instance.handle({ uuid, name: 'run' })).rejects.toThrow(JobNotFound);
    await instance.close();
  });

  it('has a uuid and a name, maybe data and a token, and nothing else', async () => {
    const { id, token } = await world.newJob();
    const instance = instanceOf(id, token);
    const whole = { uuid: id, name: 'run', data: { a: 1 }, token };
    for (const [message, path] of [
      [{ ...whole, extra: 1 }, 'message'],
      [{ ...whole, uuid: undefined }, 'message.uuid'],
      [{ ...whole, name: undefined }, 'message.name'],
      [{ ...whole, name: null }, 'message.name'],
      [{ ...whole, data: 'text' }, 'message.data'],
      [{ ...whole, uuid: '00000000-0000-5000-8000-000000000000' }, 'message.uuid'],
      [null, 'message'],
    ] as const) {
      const error = await world.refusal(id, InvalidData, () =>
        instance.handle(message as unknown as EventMessage),
      );
      expect(error.issues).toMatchObject([{ path }]);
    }
    expect((await instance.handle(whole)).state).toBe('RUNNING');
    await instance.close();
  });
});
