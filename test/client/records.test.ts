import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobwrightClient, ProblemError } from '../../src/client/index.ts';
import { runningService } from '../cli/runningService.ts';

type Running = Awaited<ReturnType<typeof runningService>>;

describe('many jobs and attempts by the client', () => {
  let service: Running;
  let client: JobwrightClient;
  beforeAll(async () => {
    service = await runningService();
    client = new JobwrightClient({ url: service.url, token: service.token('operator') });
  });
  afterAll(() => service.stop());

  const outputs = {
    stdout: { bytes: 6, encoding: 'plain', text: 'é {}\n' },
    result: { bytes: 11, encoding: 'plain', text: '{"e":-76.5}' },
  };

  it('sets many up at once, and reads them in the order they are asked for', async () => {
    const input = randomUUID();
    const { outcomes } = await client.createJobs({
      type: 'record',
      jobs: [{ data: { input } }, { data: { priority: 'urgent' } }, { data: { other: input } }],
    });
    expect(outcomes).toMatchObject([
      { index: 0, outcome: 'created', state: 'waiting', version: 1 },
      { index: 1, outcome: 'refused', code: 'INVALID_DATA' },
      { index: 2, outcome: 'created' },
    ]);
    const ids = outcomes.flatMap((each) => ('id' in each ? [each.id] : [])).reverse();
    const { jobs } = await client.getJobs({ ids: [...ids, 'none'], missingOk: true });
    expect(jobs.map((job) => job?.id ?? null)).toEqual([...ids, null]);
    await expect(client.getJobs({ ids: ['none'] })).rejects.toMatchObject({
      code: 'JOB_NOT_FOUND',
    });
  });

  it('tells the attempts of a job, and what they left, as what it is', async () => {
    const { job } = await client.createJob({ type: 'record', data: { input: randomUUID() } });
    await client.send(job.id, [
      { name: 'claim', data: { worker: 'willow' } },
      { name: 'finish', data: { epoch: 1, outputs } },
    ]);
    const { attempts } = await client.attempts(job.id);
    expect(attempts).toMatchObject([
      { attempt: 1, worker: 'willow', outcome: 'complete', outputs: { stdout: { bytes: 6 } } },
    ]);
    const stdout: string = await client.output(job.id, { name: 'stdout' });
    expect(stdout).toBe('é {}\n');
    expect(await client.output(job.id, { name: 'result', attempt: 1 })).toEqual({ e: -76.5 });
    const missing = client.output(job.id, { name: 'stderr' });
    await expect(missing).rejects.toMatchObject({ code: 'OUTPUT_NOT_FOUND', status: 404 });
    await expect(missing).rejects.toThrow(ProblemError);
    expect((await client.job(job.id)).details).toMatchObject({ attempts: 1, worker: 'willow' });
  });

  it('takes nothing for an output that is something else', async () => {
    const elsewhere = new JobwrightClient({
      url: service.url,
      fetch: () => Promise.resolve(Response.json({ page: 'of something in between' })),
    });
    await expect(elsewhere.output('job', { name: 'stdout' })).rejects.toMatchObject({
      code: 'UNEXPECTED_ANSWER',
    });
  });
});
