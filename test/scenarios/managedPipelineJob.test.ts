import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AdminRequired,
  CancelTooLate,
  InvalidData,
  InvalidTransition,
  JobNotFound,
  ManagedPipelineJob,
  ManagedPipelineJobError,
  ManagedPipelineJobInstance,
  PipelineNotFound,
  Unauthenticated,
  UnknownEvent,
  type EventMessage,
  type ManagedPipelineJobOptions,
} from 'jobwright';
import { afterEach, describe, expect, it } from 'vitest';
import { caught, historyOf, namesOf, pipeline, useWorld } from './world.ts';

const world = useWorld();
const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

let number = 0;
function newManaged(options: Partial<ManagedPipelineJobOptions> = {}): ManagedPipelineJob {
  const job = new ManagedPipelineJob({
    ...world.options,
    pipelines: { job_manager_url: 'https://jobs.example.org', pipeline_uuid: pipeline },
    data: { number: (number += 1) },
    ...options,
  });
  opened.push(job);
  return job;
}
function newInstance(uuid: string, token?: string): ManagedPipelineJobInstance {
  const instance = new ManagedPipelineJobInstance({ ...world.options, uuid, token });
  opened.push(instance);
  return instance;
}
const reason = 'as asked';

describe('a managed pipeline job', () => {
  it('is set up, resolves to itself and knows what it is', async () => {
    const mpj = newManaged({ session: 'brave-tiger', tags: ['x'] });
    expect(await mpj.setup()).toBe(mpj);
    const job = await world.manager.job(mpj.uuid);
    expect(job.view()).toMatchObject({ state: 'CREATED', session: 'brave-tiger', tags: ['x'] });
    expect(mpj).toMatchObject({ state: 'CREATED', version: 1, archivePath: job.archivePath });
    const url = new URL(mpj.callback);
    expect(`${url.origin}${url.pathname}`).toBe(
      `https://jobs.example.org/v1/callbacks/${mpj.uuid}`,
    );
    expect(url.searchParams.get('token')).toBe(mpj.token);
    expect((await world.manager.job(mpj.uuid, { token: mpj.token })).id).toBe(mpj.uuid);
  });

  it('merges the data of set-up into that of the constructor, deep, the right one winning', async () => {
    const data = { a: 1, deep: { left: 1, both: { l: 1, x: 1 } }, list: [1, 2], text: 'left' };
    const mpj = newManaged({ data });
    await mpj.setup({
      data: { deep: { both: { x: 2, r: 2 } }, list: [3], text: { now: 'a map' } },
    });
    const merged = {
      a: 1,
      deep: { left: 1, both: { l: 1, x: 2, r: 2 } },
      list: [3],
      text: { now: 'a map' },
    };
    expect(mpj.job.data).toEqual(merged);
    expect(data).toEqual({
      a: 1,
      deep: { left: 1, both: { l: 1, x: 1 } },
      list: [1, 2],
      text: 'left',
    });
    const same = await world.manager.setup('pipelineJob', { pipeline, data: merged });
    expect(same.id).toBe(mpj.uuid);
  });

  it('takes the data as it is when set-up is called', async () => {
    const mpj = newManaged();
    const data = { list: [1], deep: { text: 'before' } };
    const pending = mpj.setup({ data });
    data.list.push(2);
    data.deep.text = 'after';
    expect((await pending).job.data).toMatchObject({ list: [1], deep: { text: 'before' } });
  });

  it('refuses data that is not plain, and own keys of another prototype', async () => {
    const evil = JSON.parse('{"deep":{"__proto__":{"admin":true}}}') as Record<string, unknown>;
    for (const data of [evil, { deep: new Date(0) }]) {
      await world.refusal(undefined, InvalidData, () => newManaged().setup({ data }));
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('attaches to the job that is there, with its state', async () => {
    const data = { attached: true };
    const first = await newManaged({ data }).setup();
    await first.run({ by: 'first' });
    const second = await newManaged({ data }).setup();
    expect(second).toMatchObject({ uuid: first.uuid, state: 'RUNNING', version: 2 });
    await second.finish();
    expect(await namesOf(first.job)).toBe('create run finish');
  });

  it('sends chains by methods and by names, and resolves to itself', async () => {
    const mpj = await newManaged().setup();
    expect(await mpj.run({ a: 1 }).update().send('FINISH', { files: 3 })).toBe(mpj);
    expect(mpj.state).toBe('FINISHED');
    const { commits } = await world.stored(mpj.uuid);
    expect(commits).toHaveLength(2);
    await mpj.index().indexed().validate().validated().finalize().retire();
    expect(mpj.state).toBe('RETIRED');
    await world.refusal(mpj.uuid, InvalidTransition, () => mpj.run());
    await world.refusal(mpj.uuid, UnknownEvent, () => mpj.send('launch'));
    await world.refusal(mpj.uuid, AdminRequired, () => mpj.ready());
  });

  it('fails without being removed, and is cancelled only while nothing has happened', async () => {
    const failed = await newManaged().setup();
    await failed.fail({ exit: 1 });
    expect(await namesOf(await world.manager.job(failed.uuid))).toBe('create fail');
    const late = await world.refusal(failed.uuid, ManagedPipelineJobError, () => failed.cancel());
    expect(late).toBeInstanceOf(CancelTooLate);

    const cancelled = await newManaged().setup();
    expect(await cancelled.cancel()).toBe(cancelled);
    await expect(world.manager.job(cancelled.uuid)).rejects.toThrow(JobNotFound);
    await expect(cancelled.run()).rejects.toThrow(JobNotFound);
  });

  it('is reset and deleted by an admin only', async () => {
    const mpj = await newManaged().setup();
    await mpj.run();
    const directory = join(world.options.archiveRoot, mpj.archivePath);
    await writeFile(join(directory, 'result.csv'), '1');
    const token = world.adminToken;
    await world.refusal(mpj.uuid, AdminRequired, () => mpj.reset({ reason }));
    await world.refusal(mpj.uuid, AdminRequired, () => mpj.delete({ reason, token: mpj.token }));
    expect(await mpj.reset({ token, reason, data: { ticket: 1 } })).toBe(mpj);
    expect(mpj.state).toBe('CREATED');
    expect(await readdir(directory)).toEqual([]);
    expect((await historyOf(mpj.job)).at(-1)?.actor).toEqual({ kind: 'admin', id: 'ada' });
    expect(await mpj.delete({ token, reason })).toBe(mpj);
    await expect(world.manager.job(mpj.uuid)).rejects.toThrow(JobNotFound);
    await expect(mpj.delete({ token, reason })).rejects.toThrow(JobNotFound);
  });

  it('says that it is not set up, whatever is asked of it before', async () => {
    const mpj = newManaged();
    for (const attempt of [
      () => mpj.uuid,
      () => mpj.state,
      () => mpj.token,
      () => mpj.callback,
      () => mpj.archivePath,
      () => mpj.run(),
      () => mpj.send('run').update(),
      () => mpj.cancel(),
      () => mpj.reset({ reason }),
      () => mpj.delete({ reason }),
    ]) {
      const error = await caught(attempt);
      expect(error).toBeInstanceOf(ManagedPipelineJobError);
      expect((error as Error).message).toMatch(/not set up yet; await setup\(\) first/);
    }
  });

  it('can be set up after a refusal, and closed before, between and after', async () => {
    const mpj = newManaged({ pipelines: { pipeline_uuid: 'unknown' } });
    await expect(mpj.setup()).rejects.toThrow(PipelineNotFound);
    await world.manager.pipelines.put('unknown');
    await mpj.setup();
    await mpj.close();
    await mpj.close();
    await newManaged().close();
    expect((await mpj.setup()).state).toBe('CREATED');
    await mpj.run();
  });
});

describe('an instance of a managed pipeline job', () => {
  it('takes in messages with their own token, its own or none', async () => {
    const job = await world.newJob();
    const instance = newInstance(job.id, job.token);
    expect([instance.state, instance.version]).toEqual([undefined, undefined]);
    expect(await instance.handle({ uuid: job.id, name: 'run', data: { a: 1 } })).toBe(instance);
    expect([instance.state, instance.version]).toEqual(['RUNNING', 2]);
    const bare = newInstance(job.id);
    await bare.handle({ uuid: job.id, name: 'UPDATE', token: job.token });
    await world.refusal(job.id, Unauthenticated, () =>
      bare.handle({ uuid: job.id, name: 'update' }),
    );
    expect((await historyOf(job)).map(({ name, data, actor }) => [name, data, actor.kind])).toEqual(
      [
        ['create', job.data, 'operator'],
        ['run', { a: 1 }, 'job'],
        ['update', null, 'job'],
      ],
    );
  });

  it('has the event methods, which are chains too', async () => {
    const job = await world.newJob();
    const instance = newInstance(job.id, job.token);
    expect(await instance.run().update({ n: 1 }).send('finish')).toBe(instance);
    expect(instance.state).toBe('FINISHED');
    await world.refusal(job.id, InvalidTransition, () => instance.index().update().run());
    expect(instance.version).toBe(4);
  });

  it('refuses a message for another job, with whatever token', async () => {
    const [job, other] = [await world.newJob(), await world.newJob()];
    const instance = newInstance(job.id, job.token);
    for (const token of [undefined, other.token, world.adminToken]) {
      const message = { uuid: other.id, name: 'run', token };
      const error = await world.refusal(undefined, InvalidData, () => instance.handle(message));
      expect(error.message).toContain(`this instance is for job ${job.id}`);
    }
    await world.refusal(undefined, Unauthenticated, () =>
      instance.handle({ uuid: job.id, name: 'run', token: other.token }),
    );
  });

  it('takes administrative events from an admin only', async () => {
    const job = await world.newJob();
    const instance = newInstance(job.id, job.token);
    for (const name of ['reset', 'ready', 'RESET']) {
      const message = { uuid: job.id, name };
      await world.refusal(job.id, AdminRequired, () => instance.handle(message));
    }
    await world.refusal(job.id, AdminRequired, () => instance.ready());
    const token = world.adminToken;
    await instance.handle({ uuid: job.id, name: 'reset', token });
    expect(instance.state).toBe('RESET');
    await instance.handle({ uuid: job.id, name: 'ready', token });
    expect(instance.state).toBe('CREATED');
  });

  it('refuses unknown events and data that is not plain', async () => {
    const job = await world.newJob();
    const instance = newInstance(job.id, job.token);
    for (const name of ['launch', '', '__proto__', 'delete', 'cancel']) {
      const message = { uuid: job.id, name };
      await world.refusal(job.id, UnknownEvent, () => instance.handle(message));
    }
    for (const data of [{ n: NaN }, { at: new Date() }, JSON.parse('{"__proto__":1}'), new Map()]) {
      const message = { uuid: job.id, name: 'run', data: data as EventMessage['data'] };
      await world.refusal(job.id, InvalidData, () => instance.handle(message));
    }
  });
});
