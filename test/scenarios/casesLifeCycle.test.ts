import { InvalidTransition } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { states, wayTo } from '../machines/pipelineJobTable.ts';
import { historyOf, namesOf, pipeline, useWorld, type PipelineJobHandle } from './world.ts';

const world = useWorld({ frozenAt: '2026-11-16T09:00:00.000Z' });

/** A job in a state, as an admin has it. */
async function jobIn(state: string): Promise<PipelineJobHandle> {
  const job = await world.asAdmin((await world.newJob()).id);
  const events = (wayTo[state] ?? []).map((name) => ({ name }));
  return events.length > 0 ? job.sendAll(events) : job;
}

const lastEntry = async (job: PipelineJobHandle) => (await historyOf(job)).at(-1);

describe('a life cycle', () => {
  it('begins in CREATED with one entry that holds the data (case 01)', async () => {
    const data = { D: [1, { two: 'ü' }], case: 1 };
    const job = await world.newJob({ data });
    expect(job.view()).toMatchObject({ state: 'CREATED', lastEvent: 'create', version: 1, data });
    expect(await historyOf(job)).toMatchObject([{ seq: 1, name: 'create', data, from: null }]);
  });

  it('goes to RUNNING by run, and the entry holds what run said (case 02)', async () => {
    const job = await jobIn('CREATED');
    await job.run({ a: 1 });
    expect(job.view()).toMatchObject({ state: 'RUNNING', lastEvent: 'run', version: 2 });
    expect(await lastEntry(job)).toMatchObject({ name: 'run', data: { a: 1 } });
  });

  it('stays RUNNING on a second run, which is recorded (case 03)', async () => {
    const job = await jobIn('RUNNING');
    await job.run();
    expect(job.state).toBe('RUNNING');
    expect(await namesOf(job)).toBe('create run run');
  });

  it('takes update and resource before it runs (case 04)', async () => {
    const job = await jobIn('CREATED');
    await job.update();
    expect(job.state).toBe('CREATED');
    await job.resource();
    expect(job.state).toBe('CREATED');
    expect(await namesOf(job)).toBe('create update resource');
  });

  it('takes update and resource while it runs, in their order (case 05)', async () => {
    const job = await jobIn('RUNNING');
    await job.update();
    await job.resource();
    expect(job.state).toBe('RUNNING');
    expect(await namesOf(job)).toBe('create run update resource');
  });

  it('is FINISHED by finish, whose data is kept (case 06)', async () => {
    const job = await jobIn('RUNNING');
    await job.finish({ files: ['a', 'b'] });
    expect(job.state).toBe('FINISHED');
    expect(await lastEntry(job)).toMatchObject({ name: 'finish', data: { files: ['a', 'b'] } });
  });

  it('refuses finish before it ran, naming event and state (case 07)', async () => {
    const job = await jobIn('CREATED');
    const error = await world.refusal(job.id, InvalidTransition, () => job.finish());
    expect(error).toMatchObject({ event: 'finish', from: 'CREATED' });
    expect(error.message).toMatch(/^Cannot transition to FINISHED from CREATED;/);
  });

  it('refuses run once it is finished and is read back unchanged (case 08)', async () => {
    const job = await jobIn('FINISHED');
    const before = job.view();
    const error = await world.refusal(job.id, InvalidTransition, () => job.run());
    expect(error).toMatchObject({ event: 'run', from: 'FINISHED' });
    expect(error.message).toMatch(/^Cannot transition to RUNNING from FINISHED;/);
    expect((await job.refresh()).view()).toEqual(before);
  });

  it('takes a distinct second finish (case 09)', async () => {
    const job = await jobIn('FINISHED');
    await job.finish();
    expect(job.state).toBe('FINISHED');
    expect(await namesOf(job)).toBe('create run finish finish');
  });

  it('refuses fail once it is finished (case 11)', async () => {
    const job = await jobIn('FINISHED');
    const error = await world.refusal(job.id, InvalidTransition, () => job.fail());
    expect(error).toMatchObject({ event: 'fail', from: 'FINISHED' });
  });

  it('can be indexed again and again (case 13)', async () => {
    const job = await jobIn('FINISHED');
    const seen: string[] = [];
    for (const name of ['index', 'index', 'indexed', 'indexed']) {
      seen.push((await job.send(name)).state);
    }
    expect(seen).toEqual(['INDEXING', 'INDEXING', 'FINISHED', 'FINISHED']);
  });

  it('is finalized once (case 15)', async () => {
    const job = await jobIn('FINISHED');
    const seen: string[] = [];
    for (const name of ['validate', 'validated', 'finalize']) {
      seen.push((await job.send(name)).state);
    }
    expect(seen).toEqual(['VALIDATING', 'VALIDATED', 'FINALIZED']);
    await world.refusal(job.id, InvalidTransition, () => job.finalize());
  });

  it('takes nothing but retire and reset once it is rejected (case 16)', async () => {
    const job = await jobIn('VALIDATING');
    await job.reject();
    expect(job.state).toBe('REJECTED');
    const allowed = ['retire', 'reset'];
    expect((await job.allowedEvents()).map(({ name }) => name)).toEqual(allowed);
    for (const name of ['create', 'run', 'update', 'fail', 'finish', 'validate', 'ready']) {
      const error = await world.refusal(job.id, InvalidTransition, () => job.send(name));
      expect(error.allowed).toEqual(allowed);
    }
  });

  it('can be validated again, and said to be valid again (case 17)', async () => {
    const job = await jobIn('VALIDATED');
    expect((await job.validated()).state).toBe('VALIDATED');
    expect((await job.validate()).state).toBe('VALIDATING');
  });

  it.each(states)('is reset by an admin from %s (case 19)', async (state) => {
    const job = await jobIn(state);
    expect((await job.send('reset')).state).toBe('RESET');
    expect(await lastEntry(job)).toMatchObject({ name: 'reset', from: state, to: 'RESET' });
  });

  it('is made ready by an admin from RESET (case 20)', async () => {
    expect((await (await jobIn('RESET')).ready()).state).toBe('CREATED');
  });

  const others = states.filter((state) => state !== 'RESET');
  it.each(others)('is not made ready from %s (case 20)', async (state) => {
    const job = await jobIn(state);
    const error = await world.refusal(job.id, InvalidTransition, () => job.ready());
    expect(error.message).toContain(`Cannot transition to CREATED from ${state}`);
  });

  it('takes a chain whole and in order, or not at all (case 24)', async () => {
    const job = await jobIn('CREATED');
    await job.run({ d: 1 }).update({ d: 2 }).finish();
    expect(job.state).toBe('FINISHED');
    expect((await historyOf(job)).map(({ name, data }) => [name, data]).slice(1)).toEqual([
      ['run', { d: 1 }],
      ['update', { d: 2 }],
      ['finish', null],
    ]);

    const other = await jobIn('CREATED');
    const error = await world.refusal(other.id, InvalidTransition, () =>
      other.run().finish().update().finish(),
    );
    expect(error).toMatchObject({ event: 'update', index: 2, from: 'FINISHED' });
    expect((await other.refresh()).state).toBe('CREATED');
  });
});

describe('a history', () => {
  it('has an id, a name, a time and its order for each of 1,000 events of one moment (case 25)', async () => {
    const job = await jobIn('CREATED');
    const events = Array.from({ length: 999 }, (_, number) => ({
      name: 'update',
      ...(number % 2 === 0 && { data: { number } }),
    }));
    await job.sendAll(events);
    const history = [...(await historyOf(job)), ...(await historyOf(await jobIn('RUNNING')))];
    expect(new Set(history.map(({ id }) => id)).size).toBe(1_002);
    expect(history.slice(1, 1_000).map(({ data }) => data)).toEqual(
      events.map(({ data }) => data ?? null),
    );
    expect(history.map(({ seq }) => seq)).toEqual([...Array(1_000).keys(), 0, 1].map((n) => n + 1));
    expect(new Set(history.map(({ at }) => at))).toEqual(new Set(['2026-11-16T09:00:00.000Z']));
  });

  it('shows null for an event that brought no data (case 26)', async () => {
    const job = await jobIn('CREATED');
    await job.run();
    expect(job.state).toBe('RUNNING');
    expect(await lastEntry(job)).toMatchObject({ name: 'run', data: null });
  });

  it('gives the job its time of change, and one to its version, with each entry (case 27)', async () => {
    const job = await jobIn('CREATED');
    const { createdAt } = job.view();
    world.passTime(1_500);
    await job.update();
    const { updatedAt, version } = job.view();
    expect(Date.parse(updatedAt) - Date.parse(createdAt)).toBe(1_500);
    expect(updatedAt).toBe((await lastEntry(job))?.at);
    expect(version).toBe(2);
    expect(job.view().createdAt).toBe(createdAt);
  });

  it('survives a reset, as do id, data and links (case 29)', async () => {
    const parents = ['7d0c3a52-6a7e-4d9b-8a35-1f0c7c1d2e3f'];
    const { id } = await world.newJob({ parents, data: { case: 29 } });
    const job = await world.asAdmin(id);
    await job.run().finish();
    const { data, links } = job.view();
    await job.reset({ reason: 'once more' });
    expect(job.view()).toMatchObject({ id, state: 'CREATED', data, links });
    expect(await namesOf(job)).toBe('create run finish reset ready');
  });

  it('and its job show nothing but what is public (case 30)', async () => {
    const job = await world.newJob();
    await job.run({ why: 'seen' });
    const text = JSON.stringify(job);
    expect(Object.keys(JSON.parse(text) as object).sort()).toEqual(
      `agent allowedEvents archivePath createdAt data id lastEvent links pipeline session state
       states tags task type typeVersion updatedAt version`.split(/\s+/),
    );
    const { jobs } = await world.manager.list({ pipeline }, { limit: 1 });
    expect(Object.keys(jobs[0] ?? {}).sort()).toEqual(Object.keys(job.view()).sort());
    const allowed = 'at data from hash id name seq to actor key'.split(' ');
    for (const entry of await historyOf(job)) {
      expect(Object.keys(entry).filter((key) => !allowed.includes(key))).toEqual([]);
      expect(Object.keys(entry.actor)).toEqual(['kind', 'id']);
    }
    expect(text).not.toContain(job.token);
  });
});
