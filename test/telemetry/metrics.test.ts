import { dirname, join } from 'node:path/posix';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { metricDefinitions } from '../../src/telemetry/metricDefinitions.ts';
import { attachMetrics, type MetricsSources } from '../../src/telemetry/metrics.ts';
import { read } from '../docs/pages.ts';
import { emitAll, sampleEvents } from './events.ts';

const usual: MetricsSources = {
  machines: [
    { name: 'pipelineJob', events: ['run', 'update'], effects: ['clearArchive'] },
    { name: 'lamp', events: ['press'], effects: [] },
    { name: 'lamp', events: ['press', 'dim'], effects: ['glow'] },
  ],
  routes: ['/v1/jobs/{id}/events'],
  countEffects: async () => ({ due: 2, parked: 1 }),
};

function attach(sources: Partial<MetricsSources> = {}) {
  const telemetry = new Telemetry();
  const metrics = attachMetrics(telemetry, { ...usual, ...sources });
  onTestFinished(() => metrics.detach());
  /** The lines of our own metrics, histograms' buckets aside. */
  const lines = async (name = 'jobwright_'): Promise<string[]> =>
    (await metrics.text())
      .split('\n')
      .filter((line) => line.startsWith(name) && !line.includes('_bucket{'));
  return { telemetry, metrics, lines };
}

describe('metrics', () => {
  it('count everything that telemetry tells of', async () => {
    const { telemetry, lines } = attach();
    emitAll(telemetry);
    telemetry.emit('stream.opened', {});
    expect(await lines()).toEqual([
      'jobwright_transitions_total{machine="pipelineJob",event="run",result="accepted"} 1',
      'jobwright_transitions_total{machine="pipelineJob",event="update",result="accepted"} 1',
      'jobwright_transitions_total{machine="pipelineJob",event="run",result="INVALID_TRANSITION"} 1',
      'jobwright_commit_batch_size_sum 3',
      'jobwright_commit_batch_size_count 1',
      'jobwright_commit_duration_seconds_sum 0.004',
      'jobwright_commit_duration_seconds_count 1',
      'jobwright_commit_conflicts_total 1',
      'jobwright_commit_unknown_outcomes_total 1',
      'jobwright_projection_lag_seconds_sum 0.06',
      'jobwright_projection_lag_seconds_count 1',
      'jobwright_projection_jobs_total 5',
      'jobwright_projection_failures_total 1',
      'jobwright_projection_repaired_jobs_total 7',
      'jobwright_effects_total{effect="clearArchive",result="done"} 1',
      'jobwright_effects_total{effect="clearArchive",result="failed"} 1',
      'jobwright_effects_total{effect="clearArchive",result="parked"} 1',
      'jobwright_timers_fired_total 1',
      'jobwright_duty_failures_total{duty="fireTimers"} 1',
      'jobwright_http_requests_total{route="/v1/jobs/{id}/events",method="POST",status="2xx"} 1',
      'jobwright_http_request_duration_seconds_sum{route="/v1/jobs/{id}/events",method="POST"} 0.012',
      'jobwright_http_request_duration_seconds_count{route="/v1/jobs/{id}/events",method="POST"} 1',
      'jobwright_open_streams 1',
      'jobwright_admin_refusals_total{action="job.delete",code="ADMIN_REQUIRED"} 1',
      'jobwright_outbox_effects{status="due"} 2',
      'jobwright_outbox_effects{status="parked"} 1',
    ]);
  });

  it('are exactly those that are documented, and those of the process', async () => {
    const { metrics } = attach();
    const text = await metrics.text();
    const told = [...text.matchAll(/^# TYPE (jobwright_\S+) (\S+)$/gm)].map(([, name, type]) => [
      name,
      type,
    ]);
    const defined = Object.values(metricDefinitions).map(({ name, type }) => [name, type]);
    expect(told.sort()).toEqual(defined.sort());
    expect(text).toMatch(/^process_cpu_user_seconds_total /m);
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('count in a registry of their own, and nothing once detached', async () => {
    const [one, other] = [attach(), attach()];
    one.telemetry.emit('commit.conflict', { jobId: 'job-1' });
    expect(await one.lines('jobwright_commit_conflicts')).toEqual([
      'jobwright_commit_conflicts_total 1',
    ]);
    expect(await other.lines('jobwright_commit_conflicts')).toEqual([
      'jobwright_commit_conflicts_total 0',
    ]);
    one.metrics.detach();
    expect(one.telemetry.isHeard('commit.conflict')).toBe(false);
    expect(await one.lines()).toEqual([]);
  });

  it('know the events of every version of a machine, and what happens around it', async () => {
    const { telemetry, lines } = attach();
    const events = ['create', 'press', 'dim', 'timer', 'revoke', 'unlink', 'delete', 'run'];
    telemetry.emit('job.committed', { jobId: 'job-1', type: 'lamp', seq: 1, events });
    const found = (await lines('jobwright_transitions')).map(
      (line) => /event="(\w+)"/.exec(line)?.[1],
    );
    expect(found).toEqual([...events.slice(0, -1), 'unknown']);
  });
});

describe('the library', () => {
  it('does not load them: only a service gives them out', () => {
    const loaded = new Set<string>();
    const walk = (file: string): void => {
      if (loaded.has(file)) return;
      loaded.add(file);
      const importing = /^(?:import|export)(?! type\b)\s[^;]*?from '([^']+)';$/gm;
      for (const [, name = ''] of read(file).matchAll(importing)) {
        if (name.startsWith('.')) walk(join(dirname(file), name));
        else loaded.add(name);
      }
    };
    walk('src/index.ts');
    expect(loaded).toContain('pino');
    expect(loaded).not.toContain('prom-client');
    expect(loaded).not.toContain('src/telemetry/metrics.ts');
  });
});

describe('labels', () => {
  it('stay few and tell nothing of what callers make up', async () => {
    const { telemetry, lines } = attach();
    emitAll(telemetry);
    for (let index = 0; index < 2_000; index += 1) {
      const text = `made-up-${index}`;
      const code = `MADE_UP_${index}`;
      telemetry.emit('job.committed', { jobId: text, type: text, seq: 1, events: [text] });
      telemetry.emit('job.committed', { jobId: text, type: 'lamp', seq: 1, events: [text] });
      telemetry.emit('job.refused', { jobId: text, type: text, event: text, code });
      telemetry.emit('job.refused', { jobId: text, type: 'lamp', event: text, code: text });
      telemetry.emit('effect.done', { jobId: text, effect: text, seq: 1, attempts: 1 });
      telemetry.emit('duty.failed', { duty: text, error: text });
      telemetry.emit('admin.refused', { action: text, code });
      telemetry.emit('http.request', {
        ...sampleEvents['http.request'],
        route: `/v1/jobs/${text}`,
        method: text,
        status: index,
      });
    }
    const told = await lines();
    expect(told.filter((line) => line.includes('made-up'))).toEqual([]);
    expect(told.length).toBeLessThan(300);
    expect(told).toContain(
      'jobwright_transitions_total{machine="unknown",event="unknown",result="accepted"} 2000',
    );
    expect(told).toContain(
      'jobwright_transitions_total{machine="lamp",event="unknown",result="other"} 2000',
    );
    expect(told).toContain('jobwright_effects_total{effect="unknown",result="done"} 2000');
    expect(told).toContain('jobwright_duty_failures_total{duty="other"} 2000');
    const status = 'jobwright_http_requests_total{route="unmatched",method="other",status="4xx"}';
    expect(told).toContain(`${status} 100`);
  });

  it.each(['__proto__', 'constructor', 'toString', '', '"} 1\nfake 1'])(
    'take %j for nothing special',
    async (text) => {
      const { telemetry, lines } = attach();
      telemetry.emit('job.committed', { jobId: 'job-1', type: text, seq: 1, events: [text] });
      expect(await lines('jobwright_transitions')).toEqual([
        'jobwright_transitions_total{machine="unknown",event="unknown",result="accepted"} 1',
      ]);
      expect(await lines('fake')).toEqual([]);
    },
  );
});

describe('the outbox gauge', () => {
  it('asks the database once for many scrapes', async () => {
    let asked = 0;
    const { lines } = attach({
      countEffects: async () => ({ due: (asked += 1), parked: 0 }),
    });
    const scrapes = await Promise.all(
      Array.from({ length: 20 }, () => lines('jobwright_outbox_effects{status="due"}')),
    );
    expect(new Set(scrapes.flat())).toEqual(new Set(['jobwright_outbox_effects{status="due"} 1']));
    expect(asked).toBe(1);
  });

  it('is left out while the database does not answer, the others are not', async () => {
    const { telemetry, lines } = attach({ countEffects: () => Promise.reject(new Error('down')) });
    telemetry.emit('commit.conflict', { jobId: 'job-1' });
    expect(await lines('jobwright_outbox_effects')).toEqual([]);
    expect(await lines('jobwright_commit_conflicts')).toHaveLength(1);
  });
});
