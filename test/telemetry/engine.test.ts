import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobManager, Telemetry, type TelemetryEvents } from 'jobwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { metricsSources } from '../../src/jobs/metricsSources.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { attachLog } from '../../src/telemetry/log.ts';
import { attachMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { traceInMemory } from './memoryTracing.ts';

const pipeline = '3a1c0f52-6a7e-5d9b-8a35-1f0c7c1d2e3f';

/** One test after the other on one manager, as a process would live. */
describe('an engine that is listened to', () => {
  const telemetry = new Telemetry();
  const store = createMemoryStore();
  const logged: string[] = [];
  const committed: TelemetryEvents['job.committed'][] = [];
  const refused: TelemetryEvents['job.refused'][] = [];
  let home: string;
  let manager: JobManager;
  let metrics: Metrics;
  let tracing: ReturnType<typeof traceInMemory>;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'jobwright-telemetry-'));
    const secrets = `k1:${randomBytes(32).toString('base64')}`;
    tracing = traceInMemory();
    attachLog(telemetry, 'trace', { write: (line) => void logged.push(line) });
    telemetry.on('job.committed', (event) => committed.push(event));
    telemetry.on('job.refused', (event) => refused.push(event));
    manager = await JobManager.open({
      store,
      home,
      secrets,
      archiveRoot: join(home, 'archive'),
      telemetry,
    });
    metrics = attachMetrics(telemetry, metricsSources(manager.engine, []));
    await manager.pipelines.put(pipeline, { name: 'p', description: '', metadata: {} });
  });
  afterAll(async () => {
    metrics.detach();
    await manager.close();
    tracing.disable();
    await rm(home, { recursive: true });
  });

  let made = 0;
  const newJob = async () => {
    const job = await manager.setup('pipelineJob', { pipeline, data: { n: (made += 1) } });
    [committed, refused, logged, tracing.ended].forEach((list) => void list.splice(0));
    return job;
  };
  const transitions = async (): Promise<string[]> =>
    (await metrics.text()).split('\n').filter((line) => line.startsWith('jobwright_transitions'));

  it('tells of each commit once, with the names of its entries', async () => {
    const job = await newJob();
    await job.run({}).update({}).finish({});
    const { id: jobId } = job;
    expect(committed).toEqual([
      { jobId, type: 'pipelineJob', seq: 2, events: ['run', 'update', 'finish'] },
    ]);
    expect(refused).toEqual([]);
    expect(await transitions()).toContain(
      'jobwright_transitions_total{machine="pipelineJob",event="finish",result="accepted"} 1',
    );
  });

  it('tells nothing of a repeat that is answered as before', async () => {
    const job = await newJob();
    const send = () => job.sendAll([{ name: 'update', data: {} }], { key: 'once' });
    await send();
    await send();
    expect(committed.map(({ events }) => events)).toEqual([['update']]);
    expect(refused).toEqual([]);
  });

  it('tells of each refusal once, by its code and by names that are registered', async () => {
    const job = await newJob();
    const { id: jobId } = job;
    await expect(job.send('FINISH', {})).rejects.toThrow();
    await expect(job.send('tell-no-tales', {})).rejects.toThrow();
    await expect(job.send('reset', {})).rejects.toThrow();
    await expect(job.run({}).validated({})).rejects.toThrow();
    await job.run({});
    await expect(job.cancel()).rejects.toThrow();
    const type = 'pipelineJob';
    expect(refused).toEqual([
      { jobId, type, event: 'finish', code: 'INVALID_TRANSITION' },
      { jobId, type, event: 'unknown', code: 'UNKNOWN_EVENT' },
      { jobId, type, event: 'reset', code: 'ADMIN_REQUIRED' },
      { jobId, type, event: 'validated', code: 'INVALID_TRANSITION' },
      { jobId, type, event: 'cancel', code: 'CANCEL_TOO_LATE' },
    ]);
    expect(committed.map(({ events }) => events)).toEqual([['run']]);
    expect(`${logged.join('')}${await metrics.text()}`).not.toContain('tell-no-tales');
  });

  it('runs each request and each effect in a span', async () => {
    const job = await newJob();
    const { token } = manager.issueToken({ kind: 'admin', subject: 'ada', ttl: 600 });
    await expect(job.send('finish', {})).rejects.toThrow();
    await job.reset({ token, reason: 'again' });
    const spans = tracing.ended.map(({ name, attributes }) => ({ name, ...attributes }));
    expect(spans).toContainEqual({
      name: 'job.send',
      'jobwright.job': job.id,
      'jobwright.demand': 'events',
      'error.type': 'INVALID_TRANSITION',
    });
    expect(spans).toContainEqual({
      name: 'effect.run',
      'jobwright.job': job.id,
      'jobwright.effect': 'clearArchive',
    });
    expect(await metrics.text()).toContain(
      'jobwright_effects_total{effect="clearArchive",result="done"} 1',
    );
  });

  it('writes no token of any request into any line at level trace, nor into spans', async () => {
    const job = await newJob();
    const admin = manager.issueToken({ kind: 'admin', subject: 'ada', ttl: 600 }).token;
    const tokens = [admin, job.token, `${job.token}x`, 'opaque-credential'];
    for (const token of tokens) {
      const asked = manager.job(job.id, { token }).then((same) => same.run({ token }));
      await asked.catch(() => undefined);
      await job.send(token, { token }).catch(() => undefined);
      await job.send('run', { url: `${job.callbackUrl}?token=${token}` }).catch(() => undefined);
      await job.reset({ token, reason: 'again' }).catch(() => undefined);
    }
    expect(logged.length).toBeGreaterThan(5);
    const told = `${logged.join('')}${JSON.stringify(tracing.ended)}${await metrics.text()}`;
    for (const token of tokens) expect(told).not.toContain(token);
  });
});
