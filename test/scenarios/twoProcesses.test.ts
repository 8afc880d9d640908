import {
  CancelTooLate,
  InvalidTransition,
  JobNotFound,
  Unauthenticated,
  VersionMismatch,
  type JobManager,
} from 'jobwright';
import { beforeAll, describe, expect, it } from 'vitest';
import { startClient } from '../support/jobClient.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { historyOf, namesOf, pipeline, useWorld } from './world.ts';

const world = useWorld();
let other: JobManager;
beforeAll(async () => {
  other = await world.open();
});

describe('what one process acknowledges', () => {
  it('is shown by the other at once, by a new handle and by an old one', async () => {
    for (let round = 0; round < 20; round += 1) {
      const job = await world.newJob();
      const old = await other.job(job.id);
      await job.run({ round }).update();
      const fresh = await other.job(job.id);
      expect(fresh.view()).toEqual(job.view());
      expect(await historyOf(old)).toEqual(await historyOf(job));
      expect(old.view()).toEqual(job.view());
      await old.finish();
      expect((await job.refresh()).view()).toEqual(old.view());
      expect((await job.allowedEvents()).map(({ name }) => name)).toContain('index');
    }
  });

  it('is what the other decides on, however stale its handle', async () => {
    const job = await world.newJob();
    const stale = await other.job(job.id);
    await job.run();
    await stale.finish();
    expect(stale.state).toBe('FINISHED');
    const error = await world.refusal(job.id, InvalidTransition, () => job.update());
    expect(error).toMatchObject({ from: 'FINISHED', event: 'update' });
    expect(job.state).toBe('RUNNING');
    await world.refusal(job.id, CancelTooLate, () => stale.cancel());
    const seen = { ifVersion: job.version };
    const mismatch = await world.refusal(job.id, VersionMismatch, () =>
      job.sendAll([{ name: 'index' }], seen),
    );
    expect(mismatch).toMatchObject({ expected: 2, actual: 3 });
    expect((await job.index()).state).toBe('INDEXING');
  });

  it('is never refused for what the other only used to know', async () => {
    const job = await world.asAdmin((await world.newJob()).id);
    const stale = await other.job(job.id);
    await stale.run().finish();
    await job.reset({ reason: 'again' });
    expect(stale.state).toBe('FINISHED');
    await stale.run();
    expect(await namesOf(job)).toBe('create run finish reset ready run');
  });

  it('is in one order for both, and nothing of either is lost', async () => {
    const job = await world.newJob();
    const rival = await other.job(job.id);
    const sent = Array.from({ length: 100 }, (_, n) => ({ n, by: n % 2 ? 'one' : 'other' }));
    await Promise.all(sent.map((data) => (data.by === 'one' ? job : rival).update(data)));
    const history = await historyOf(job);
    expect(await historyOf(rival)).toEqual(history);
    expect(history.map(({ seq }) => seq)).toEqual([...Array(101).keys()].map((n) => n + 1));
    expect(history.slice(1).map(({ data }) => data?.['n'])).toHaveLength(100);
    for (const by of ['one', 'other']) {
      const own = history.filter(({ data }) => data?.['by'] === by).map(({ data }) => data?.['n']);
      expect(own).toEqual(sent.filter((data) => data.by === by).map(({ n }) => n));
    }
    await world.expectSound(other);
  });

  it('ends tokens in the other at once', async () => {
    const job = await world.newJob();
    const { token } = job;
    const own = await other.job(job.id, { token });
    await own.run();
    await job.revokeTokens('lost');
    await world.refusal(job.id, Unauthenticated, () => own.update());
    await world.refusal(job.id, Unauthenticated, () => other.job(job.id, { token }));
    const anew = await other.job(job.id, { token: (await job.refresh()).token });
    await anew.finish();
  });

  it('is gone in the other at once where it is a delete', async () => {
    const input = { data: { deleted: 'elsewhere' } };
    const job = await world.newJob(input);
    const seen = await other.job(job.id);
    await job.delete({ token: world.adminToken, reason: 'over' });
    for (const attempt of [() => seen.update(), () => seen.refresh(), () => other.job(job.id)]) {
      await world.refusal(job.id, JobNotFound, attempt);
    }
    const again = await other.setup('pipelineJob', { pipeline, ...input });
    expect(again.view()).toMatchObject({ id: job.id, version: 3, state: 'CREATED' });
    expect((await world.manager.job(job.id)).version).toBe(3);
  });

  it('shows in the lists of the other within a second', async () => {
    const job = await world.newJob({ tags: ['listed'] });
    const listed = async (state: string) => {
      const { jobs } = await other.list({ tag: 'listed', state });
      return jobs.length === 1 || `${jobs.length} ${state}`;
    };
    expect(await waitUntil('it is listed', () => listed('CREATED'), 1_000, 10)).toBeLessThan(1_000);
    await job.run();
    expect(await waitUntil('it is RUNNING', () => listed('RUNNING'), 1_000, 10)).toBeLessThan(
      1_000,
    );
    await job.cancel().catch(() => undefined);
    await job.delete({ token: world.adminToken, reason: 'over' });
    expect((await other.list({ tag: 'listed' })).jobs).toEqual([]);
  });

  it('is in the lists although it was killed before it wrote them', async () => {
    const { mongodb: uri, database, home, secrets } = world.options;
    const client = await startClient({ uri, database, home, secrets, linkedCollections: [] });
    const data = { made: 'by a process that is killed' };
    const setup = { do: 'setup', type: 'pipelineJob', pipeline, data } as const;
    const [made] = await client.run([[setup]]);
    const job = made?.outcome?.ok ? made.outcome.job : '';
    const events = [{ name: 'run' }, { name: 'finish' }];
    await client.run([[{ do: 'send', job, events }]]);
    await client.kill();

    expect((await other.job(job)).state).toBe('FINISHED');
    const listed = async () => {
      const { jobs } = await other.list({ state: 'FINISHED' }, { limit: 500 });
      return jobs.some(({ id }) => id === job) || 'it is missing';
    };
    await waitUntil('the killed process is repaired', listed, 10_000);
    await world.expectSound(other);
  });
});
