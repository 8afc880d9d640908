import { InvalidData, InvalidTransition, VersionMismatch } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { caught, historyOf, namesOf, pipeline, useWorld, type PipelineJobHandle } from './world.ts';

const world = useWorld();

/** The names of the entries of each of a job's commits. */
async function commitsOf(job: PipelineJobHandle): Promise<string[]> {
  const { commits } = await world.stored(job.id);
  return (commits as { entries: { name: string }[] }[]).map(({ entries }) =>
    entries.map(({ name }) => name).join('+'),
  );
}

describe('a chain of events', () => {
  it('is one commit, in its order', async () => {
    const job = await world.newJob();
    const handle = await job
      .run({ n: 1 })
      .update({ n: 2 })
      .send('UPDATE', { n: 3 })
      .finish({ n: 4 });
    expect(handle).toBe(job);
    expect(await commitsOf(job)).toEqual(['create', 'run+update+update+finish']);
    const entries = await historyOf(job);
    expect(entries.map(({ data }) => data)).toMatchObject([
      {},
      { n: 1 },
      { n: 2 },
      { n: 3 },
      { n: 4 },
    ]);
    expect(entries.map(({ from }) => from)).toEqual([
      null,
      'CREATED',
      'RUNNING',
      'RUNNING',
      'RUNNING',
    ]);
    expect(new Set(entries.slice(1).map(({ at }) => at)).size).toBe(1);
  });

  it.each([
    ['first', ['finish', 'run', 'update'], 0, 'CREATED'],
    ['middle', ['run', 'finish', 'update', 'retire'], 2, 'FINISHED'],
    ['last', ['run', 'fail', 'update'], 2, 'FAILED'],
  ])('is refused as a whole where its %s step is illegal', async (_which, names, index, from) => {
    const job = await world.newJob();
    const error = await world.refusal(job.id, InvalidTransition, () =>
      job.sendAll(names.map((name) => ({ name }))),
    );
    expect(error).toMatchObject({ index, from, event: names[index] });
    expect((await job.refresh()).view()).toMatchObject({ state: 'CREATED', version: 1 });
  });

  it('grows while it is pending, by every event and by name', async () => {
    const job = await world.newJob();
    const chain = job.run();
    void chain.update();
    const same = chain.send('finish');
    expect(same).toBe(chain);
    await Promise.all([chain, same]);
    expect(await commitsOf(job)).toEqual(['create', 'run+update+finish']);
  });

  it('is a promise: then, catch and finally', async () => {
    const job = await world.newJob();
    const seen: string[] = [];
    const chain = job.run();
    expect(chain).toBeInstanceOf(Object);
    expect(Object.prototype.toString.call(chain)).toBe('[object Chain]');
    await chain.then(({ state }) => seen.push(`then ${state}`));
    await chain.finally(() => seen.push('finally'));
    expect(await chain.catch(() => seen.push('caught'))).toBe(job);
    await job.ready().catch((error: Error) => seen.push(error.constructor.name));
    await job
      .ready()
      .finally(() => seen.push('finally'))
      .then(undefined, (error: Error) => seen.push(error.constructor.name));
    expect(seen).toEqual(['then RUNNING', 'finally', 'AdminRequired', 'finally', 'AdminRequired']);
  });

  it('is sent once, however often it is awaited', async () => {
    const job = await world.newJob();
    const chain = job.run().update();
    await Promise.all([chain, chain, chain.then(), chain.finally()]);
    await chain;
    expect(await namesOf(job)).toBe('create run update');
  });

  it('is sent though nobody awaits it', async () => {
    const job = await world.newJob();
    void job.run().update({ seen: true });
    await job.update({ after: true });
    expect((await historyOf(job)).map(({ data }) => data).slice(2)).toEqual([
      { seen: true },
      { after: true },
    ]);
  });

  it('takes no more once it has been sent', async () => {
    const job = await world.newJob();
    const chain = job.run();
    await chain;
    const error = await caught(() => chain.update());
    expect(error).toBeInstanceOf(InvalidData);
    expect(() => chain.send('update')).toThrow(/it has been sent; begin a new one on the job/);
    expect(await namesOf(job)).toBe('create run');
  });

  it('is one commit for itself, and two in one task come in their order', async () => {
    const job = await world.newJob();
    const first = job.run().update({ of: 'first' });
    const second = job.finish().index();
    await Promise.all([first, second]);
    expect(await commitsOf(job)).toEqual(['create', 'run+update', 'finish+index']);
    expect(job.state).toBe('INDEXING');
  });

  it('takes nothing with it where another of the same task is refused', async () => {
    const job = await world.newJob();
    const outcomes = await Promise.allSettled([
      job.run(),
      job.ready(),
      job.update(),
      job.finish().run(),
      job.finish(),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(await namesOf(job)).toBe('create run update finish');
  });
});

describe('data that the caller changes after the call', () => {
  it('is sent as it was, by method, by name and in a chain', async () => {
    const job = await world.newJob();
    const data = { list: [1], in: { text: 'before' } };
    const change = (): void => {
      data.list.push(2);
      data.in.text = 'after';
    };
    const chain = job.run(data);
    change();
    await chain;
    const second = job.update({ fine: true }).send('update', data);
    data.list.length = 0;
    await second;
    const events = [{ name: 'update', data }];
    const third = job.sendAll(events);
    data.list.push(9);
    events.push({ name: 'finish', data });
    await third;
    expect((await historyOf(job)).map((entry) => entry.data).slice(1)).toEqual([
      { list: [1], in: { text: 'before' } },
      { fine: true },
      { list: [1, 2], in: { text: 'after' } },
      { list: [], in: { text: 'after' } },
    ]);
  });

  it('is set up as it was, and so are parents and tags', async () => {
    await world.manager.documents.put('samples', 'mutated', { name: 'm' });
    const data = { list: [1], in: {} as Record<string, unknown> };
    const parents = ['mutated'];
    const tags = ['one'];
    const pending = world.manager.setup('pipelineJob', { pipeline, data, parents, tags });
    data.list.push(2);
    data.in['late'] = true;
    parents.push('nobody');
    tags.push('two');
    const job = await pending;
    expect(job.view()).toMatchObject({
      data: { list: [1], in: {} },
      links: { child_of: ['mutated'] },
      tags: ['one'],
    });
    (job.data['list'] as number[]).push(3);
    (job.view().tags as string[]).push('three');
    (job.view().links.child_of as string[]).push('x');
    expect((await job.refresh()).view()).toMatchObject({
      data: { list: [1] },
      links: { child_of: ['mutated'] },
      tags: ['one'],
    });
  });

  it('is reset as it was', async () => {
    const job = await world.asAdmin((await world.newJob()).id);
    const data = { list: [1] };
    const pending = job.reset({ reason: 'again', data });
    data.list.push(2);
    await pending;
    expect((await historyOf(job))[1]?.data).toMatchObject({ list: [1] });
  });
});

describe('an expected version', () => {
  it('lets an event through only if nothing has happened since', async () => {
    const job = await world.newJob();
    await job.sendAll([{ name: 'run' }], { ifVersion: 1 });
    const error = await world.refusal(job.id, VersionMismatch, () =>
      job.sendAll([{ name: 'finish' }], { ifVersion: 1 }),
    );
    expect(error).toMatchObject({ expected: 1, actual: 2 });
    expect((await job.sendAll([{ name: 'finish' }], { ifVersion: 2 })).state).toBe('FINISHED');
  });

  it('lets one of many through', async () => {
    const job = await world.newJob();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => job.sendAll([{ name: 'update' }], { ifVersion: 1 })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await namesOf(job)).toBe('create update');
  });

  it('holds for reset and delete too', async () => {
    const job = await world.asAdmin((await world.newJob()).id);
    const reason = 'as I saw it';
    await world.refusal(job.id, VersionMismatch, () => job.reset({ reason, ifVersion: 2 }));
    await world.refusal(job.id, VersionMismatch, () => job.delete({ reason, ifVersion: 2 }));
    await world.refusal(job.id, VersionMismatch, () => job.cancel({ ifVersion: 2 }));
    await job.cancel({ ifVersion: 1 });
  });
});
