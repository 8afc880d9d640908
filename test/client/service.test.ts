import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobwrightClient, type StreamEntry } from '../../src/client/index.ts';
import { runningService } from '../cli/runningService.ts';

type Running = Awaited<ReturnType<typeof runningService>>;

describe('the client against a service', () => {
  let service: Running;
  let client: JobwrightClient;
  beforeAll(async () => {
    service = await runningService();
    client = new JobwrightClient({ url: service.url, token: service.token('admin') });
    await client.putPipeline('count', { name: 'Count', metadata: { words: true } });
  });
  afterAll(() => service.stop());

  const create = (nr: number) => client.createJob({ pipeline: 'count', data: { nr } });

  it('takes a job from its set-up through its life to its end', async () => {
    const { job, created, token, callbackUrl } = await create(1);
    expect(created).toBe(true);
    expect((await create(1)).created).toBe(false);
    expect(job.allowedEvents.find(({ name }) => name === 'run')?.schema).toBeTypeOf('object');

    const sent = await client.send(job.id, [{ name: 'run' }, { name: 'update', data: { at: 5 } }]);
    expect(sent.entries.map(({ name }) => name)).toEqual(['run', 'update']);
    expect(await client.callback(callbackUrl, { status: 'FINISHED' })).toMatchObject({
      applied: true,
      job: { state: 'FINISHED' },
    });
    expect(await client.callback(callbackUrl, { status: 'RUNNING' })).toMatchObject({
      applied: false,
      from: 'FINISHED',
    });

    const own = new JobwrightClient({ url: service.url, token });
    expect((await own.job(job.id)).version).toBe(4);
    await expect(own.reset(job.id, { reason: 'again' })).rejects.toMatchObject({
      code: 'ADMIN_REQUIRED',
      status: 403,
    });
    expect((await client.reset(job.id, { reason: 'again' })).job.state).toBe('CREATED');
    await expect(own.job(job.id)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });

    const history = await client.history(job.id, { limit: 2 });
    expect(history).toMatchObject({ entries: [{ name: 'create' }, { name: 'run' }], next: 2 });
    const names: string[] = [];
    for await (const { name } of client.allHistory(job.id, { limit: 2 })) names.push(name);
    expect(names).toEqual(['create', 'run', 'update', 'finish', 'reset', 'ready']);

    const gone = await client.delete(job.id, { reason: 'tidy' });
    expect(gone).toEqual({ deleted: true, linksRemoved: 0 });
    await expect(client.job(job.id)).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('is answered alike where it repeats itself under its key, and refused under a version gone by', async () => {
    const { job } = await create(2);
    const first = await client.send(job.id, { name: 'run' }, { key: 'once' });
    expect(await client.send(job.id, { name: 'run' }, { key: 'once' })).toEqual(first);
    const late = client.send(job.id, { name: 'finish' }, { ifVersion: 1 });
    await expect(late).rejects.toMatchObject({ code: 'VERSION_MISMATCH', expected: 1, actual: 2 });
  });

  it('cancels, makes tokens and ends them', async () => {
    const { job } = await create(3);
    const { token } = await client.issueToken(job.id, { events: ['run'], ttl: 60 });
    const own = new JobwrightClient({ url: service.url, token });
    await expect(own.send(job.id, { name: 'fail' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const { generation } = await client.revokeTokens(job.id, { reason: 'lost' });
    expect(generation).toBe(2);
    await expect(own.job(job.id)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const { job: other } = await create(4);
    expect(await client.cancel(other.id)).toEqual({ cancelled: true });
  });

  it('reads and writes what is registered, and asks how the service is', async () => {
    expect(await client.pipeline('count')).toMatchObject({ id: 'count', name: 'Count' });
    expect((await client.pipelines()).pipelines.map(({ id }) => id)).toEqual(['count']);
    expect(await client.putDocument('files', 'f1', { name: 'tide' })).toMatchObject({ id: 'f1' });
    expect(await client.document('files', 'f1')).toMatchObject({ name: 'tide' });
    expect(await client.counts({ type: 'none' })).toEqual({ counts: {} });
    expect((await client.machines()).machines[0]).toMatchObject({ name: 'pipelineJob' });
    expect((await client.machine('pipelineJob')).mermaid).toMatch(/^stateDiagram-v2/);
    expect(await client.ready()).toEqual({ ready: true, status: 'ok' });
    const { records } = await client.audit({ limit: 5 });
    expect(records.some(({ action }) => action === 'token.issue')).toBe(true);
  });

  it('follows entries as they are accepted', async () => {
    const { job } = await create(5);
    const seen: StreamEntry[] = [];
    const onOpen = (): void => void client.send(job.id, [{ name: 'run' }, { name: 'finish' }]);
    for await (const item of client.stream({ pipeline: 'count' }, { onOpen })) {
      if (!item.gap && item.jobId === job.id && item.name !== 'create') seen.push(item);
      if (seen.length === 2) break;
    }
    expect(seen.map(({ name, type, to }) => [name, type, to])).toEqual([
      ['run', 'pipelineJob', 'RUNNING'],
      ['finish', 'pipelineJob', 'FINISHED'],
    ]);
    const after = seen[0]?.position;
    for await (const item of client.stream({}, { lastEventId: after })) {
      expect(item).toMatchObject({ jobId: job.id, name: 'finish' });
      break;
    }
  });
});
