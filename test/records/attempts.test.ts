import { randomBytes } from 'node:crypto';
import { OutputNotFound } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { packOutputs } from '../../src/records/outputs.ts';
import { httpWorld } from '../http/world.ts';
import { storeKinds, useRecordWorld } from './recordWorld.ts';

const noise = randomBytes(120_000).toString('base64');

describe.each(storeKinds)('attempts on %s', (kind) => {
  const world = useRecordWorld(kind);
  const outputs = async (job: string, given: Parameters<typeof packOutputs>[2]) => ({
    outputs: await packOutputs(world.manager.engine, job, given),
  });

  it('are told from the history: who tried, what became of it, what it left', async () => {
    const job = await world.newRecord();
    expect(await world.manager.attempts(job.id)).toEqual([]);
    await job.claim({ worker: 'willow' });
    const error = { type: 'convergence', message: 'not in 50 steps' };
    await job.fail({ epoch: 1, error, ...(await outputs(job.id, { stderr: 'it diverges' })) });
    await job.send('reset').claim({ worker: 'wanda' }).release({ epoch: 2 });
    await job.claim({ worker: 'wanda' }).release({ epoch: 3, lost: true });
    await job.claim({ worker: 'willow' }).update({ epoch: 4, progress: { half: true } });
    await job.comment({ text: 'looks well' });
    await job.finish({
      epoch: 4,
      ...(await outputs(job.id, { result: { e: -1 }, stdout: noise })),
    });
    const attempts = await world.manager.attempts(job.id);
    expect(attempts).toMatchObject([
      {
        attempt: 1,
        epoch: 1,
        worker: 'willow',
        outcome: 'error',
        error,
        outputs: { stderr: { bytes: 11 } },
      },
      { attempt: 2, epoch: 3, worker: 'wanda', outcome: 'lost', error: null, outputs: {} },
      {
        attempt: 3,
        epoch: 4,
        worker: 'willow',
        outcome: 'complete',
        error: null,
        outputs: { result: { bytes: 8 }, stdout: { bytes: 160_000 } },
      },
    ]);
    const { entries } = await job.history();
    const at = (seq: number) => entries[seq - 1]?.at;
    expect(attempts.map(({ startedAt, endedAt }) => [startedAt, endedAt])).toEqual([
      [at(2), at(3)],
      [at(7), at(8)],
      [at(9), at(12)],
    ]);
  });

  it('give back what they left: the newest, or the one that is named', async () => {
    const job = await world.newRecord();
    const error = { type: 'unknown_error', message: 'no' };
    await job.claim({ worker: 'willow' });
    await job.fail({ epoch: 1, error, ...(await outputs(job.id, { stdout: 'first' })) });
    await job.send('reset').claim({ worker: 'willow' });
    await job.finish({
      epoch: 2,
      ...(await outputs(job.id, { stdout: noise, result: [1, null] })),
    });
    const read = world.manager.output.bind(world.manager, job.id);
    expect(await read({ name: 'stdout' })).toBe(noise);
    expect(await read({ name: 'stdout', attempt: 1 })).toBe('first');
    expect(await read({ name: 'result', attempt: 2 })).toEqual([1, null]);
    await expect(read({ name: 'stderr' })).rejects.toThrow(OutputNotFound);
    await expect(read({ name: 'result', attempt: 1 })).rejects.toThrow(OutputNotFound);
    await expect(read({ name: 'stdout', attempt: 3 })).rejects.toThrow(OutputNotFound);
  });

  it('stay readable while the record is invalid, deleted and back again', async () => {
    const job = await world.newRecord();
    await job.claim({ worker: 'willow' });
    await job.finish({ epoch: 1, ...(await outputs(job.id, { result: 7, stdout: noise })) });
    for (const event of ['invalidate', 'comment', 'undelete', 'uninvalidate']) {
      if (event === 'undelete') await job.send('delete');
      await job.send(event, event === 'comment' ? { text: 'why?' } : undefined);
      expect(await world.manager.output(job.id, { name: 'result' })).toBe(7);
      expect(await world.manager.output(job.id, { name: 'stdout' })).toBe(noise);
    }
    expect(job.state).toBe('complete');
    expect(job.context['producer']).toBe('willow');
  });

  it('are none where a claim ended otherwise, or the machine knows no claims', async () => {
    const job = await world.newRecord();
    await job.claim({ worker: 'willow' }).cancel({ reason: 'enough' });
    expect(await world.manager.attempts(job.id)).toEqual([]);
    await expect(world.manager.output(job.id, { name: 'stdout' })).rejects.toThrow(
      'no attempt has ended',
    );
  });
});

describe('attempts over HTTP', () => {
  const world = httpWorld();

  const ended = async () => {
    const job = await world.manager.setup('record', {
      data: { input: randomBytes(4).toString('hex') },
    });
    const outputs = await packOutputs(world.manager.engine, job.id, {
      stdout: '<script>é</script>',
      result: { energy: -76.5 },
    });
    await job.claim({ worker: 'willow' }).finish({ ...(outputs && { outputs }) });
    return job;
  };

  it('lists them, and gives what they left as what it is', async () => {
    const { id, token } = await ended();
    const path = `/v1/jobs/${id}/attempts`;
    const list = await world.ask('GET', path, { token: world.reader });
    expect(list).toMatchObject({ status: 200, body: { attempts: [{ outcome: 'complete' }] } });
    const stdout = await world.ask('GET', `${path}/latest/stdout`, { token });
    expect(stdout).toMatchObject({ status: 200, text: '<script>é</script>' });
    expect(stdout.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const result = await world.ask('GET', `${path}/1/result`, { token: world.operator });
    expect(result).toMatchObject({ status: 200, body: { energy: -76.5 } });
    expect(result.headers.get('content-type')).toBe('application/json');
  });

  it.each(['2/stdout', '1/stderr', 'first/stdout', '0/stdout', '1e3/stdout', 'latest/stderr'])(
    'says 404 for %s',
    async (rest) => {
      const { id } = await ended();
      const answer = await world.ask('GET', `/v1/jobs/${id}/attempts/${rest}`, {
        token: world.reader,
      });
      expect(answer).toMatchObject({ status: 404, body: { code: 'OUTPUT_NOT_FOUND', jobId: id } });
    },
  );

  it('says 404 for other names and other jobs, 401 and 403 where there is no right', async () => {
    const { id } = await ended();
    const other = await ended();
    const ask = async (path: string, token?: string) =>
      (await world.ask('GET', path, token === undefined ? {} : { token })).body['code'];
    const own = `/v1/jobs/${id}/attempts`;
    expect(await ask(`${own}/1/secrets`, world.reader)).toBe('NOT_FOUND');
    expect(await ask('/v1/jobs/none/attempts', world.reader)).toBe('JOB_NOT_FOUND');
    expect(await ask('/v1/jobs/none/attempts/1/stdout', world.reader)).toBe('JOB_NOT_FOUND');
    for (const path of [own, `${own}/1/stdout`]) {
      expect(await ask(path)).toBe('UNAUTHENTICATED');
      expect(await ask(path, other.token)).toBe('UNAUTHENTICATED');
      expect(await ask(path, world.worker)).toBe('FORBIDDEN');
    }
  });

  it('shows what a record remembers as details of the job, the same by every way', async () => {
    const { id } = await ended();
    const shown = (await world.manager.job(id)).view().details;
    expect(shown).toMatchObject({ attempts: 1, worker: 'willow', error: null, undo: [] });
    const read = await world.ask('GET', `/v1/jobs/${id}`, { token: world.reader });
    expect(read.body['details']).toEqual(shown);
    await world.manager.maintain();
    const list = await world.ask('GET', `/v1/jobs?q=${id}`, { token: world.reader });
    expect(list.body['jobs']).toMatchObject([{ id, details: shown }]);
    const plain = await world.create();
    const other = await world.ask('GET', `/v1/jobs/${plain.id}`, { token: world.reader });
    expect(other.body).not.toHaveProperty('details');
  });
});
