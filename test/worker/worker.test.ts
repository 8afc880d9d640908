import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { Forbidden } from '../../src/errors.ts';
import type { Run } from '../../src/worker/run.ts';
import { RunFailed } from '../../src/worker/runFailed.ts';
import { createWorker, type Worker, type WorkerOptions } from '../../src/worker/worker.ts';
import type { WorkerEvent } from '../../src/worker/workerEvent.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { scriptedService, unavailable, type ScriptedService } from './scriptedService.ts';

const started = new Set<Worker>();
afterEach(async () => {
  await Promise.all([...started].map((worker) => worker.stop({ drain: false }).catch(() => 0)));
  started.clear();
});

/** A worker, and all that it tells. */
async function startWorker(
  service: ScriptedService,
  run: Run,
  options: Partial<WorkerOptions> = {},
) {
  const events: WorkerEvent[] = [];
  const worker = createWorker({
    workers: service,
    run,
    name: 'w',
    pollMs: 50,
    onEvent: (event) => events.push(event),
    ...options,
  });
  started.add(worker);
  await worker.start();
  const told = (name: WorkerEvent['event']) => events.filter(({ event }) => event === name);
  return { worker, events, told };
}

const until = (what: string, condition: () => boolean) =>
  waitUntil(what, async () => condition() || 'not so', 10_000, 5);

const raised = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });

/** Runs until its signal is raised, and tells why. */
const endless =
  (reasons: unknown[] = []): Run =>
  (_job, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push((signal.reason as Error).message);
        reject(new Error('aborted'));
      });
    });

describe('a worker', () => {
  it('claims, runs and reports what came of it, and ends once there is nothing left', async () => {
    const service = scriptedService();
    service.add('a', { input: 2 });
    service.add('b', { input: 0 });
    service.add('c', { input: 'x' });
    const run: Run = ({ data: { input } }, { log }) => {
      log(`got ${String(input)}`);
      if (input === 0) throw new RunFailed('division', 'by zero', { stderr: 'oh' });
      if (input === 'x') throw new TypeError('no number');
      return { result: { half: 1 }, stdout: 'done' };
    };
    const { worker, events } = await startWorker(service, run, { untilEmpty: true });
    await worker.ended;
    const held = { epoch: 3 };
    expect(service.accepted).toEqual([
      { id: 'a', ...held, outcome: 'complete', result: { half: 1 }, stdout: 'got 2\ndone' },
      {
        ...{ id: 'b', ...held, outcome: 'error', stdout: 'got 0\n', stderr: 'oh' },
        error: { type: 'division', message: 'by zero' },
      },
      {
        ...{ id: 'c', ...held, outcome: 'error', stdout: 'got x\n' },
        error: { type: 'unknown_error', message: 'no number' },
      },
    ]);
    expect(service.active.size).toBe(0);
    expect(events[0]).toEqual({ event: 'activated', worker: 'w' });
    const ofB = events.filter((event) => 'id' in event && event.id === 'b');
    expect(ofB.map(({ event }) => event)).toEqual(['claimed', 'reported']);
    expect(events.at(-1)).toEqual({ event: 'stopped', worker: 'w' });
  });

  it('runs as many at once as it has places, and asks for no more', async () => {
    const service = scriptedService();
    for (let index = 0; index < 10; index += 1) service.add(`j${index}`);
    let [now, most] = [0, 0];
    const run: Run = async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
    };
    const { worker } = await startWorker(service, run, { untilEmpty: true, concurrency: 3 });
    await worker.ended;
    expect(most).toBe(3);
    expect(service.accepted).toHaveLength(10);
    const limits = service.calls.filter(({ call }) => call === 'claim').map(({ given }) => given);
    expect(Math.max(...(limits as number[]))).toBe(3);
  });

  it('asks less and less often while nothing comes', async () => {
    const service = scriptedService();
    const times: number[] = [];
    service.before = (call) => void (call === 'claim' && times.push(performance.now()));
    await startWorker(service, endless(), { pollMs: 800 });
    await until('six claims', () => times.length >= 6);
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(pauses[0]).toBeLessThan(400);
    expect(pauses[4]).toBeGreaterThan(300);
  });

  it('goes on saying that it lives, and what it has, while other calls hang', async () => {
    const service = scriptedService();
    service.add('a');
    service.add('b');
    const answering = new AbortController();
    service.before = (call) =>
      call === 'report' || call === 'progress' ? raised(answering.signal) : undefined;
    await startWorker(
      service,
      (job, tools) => {
        tools.progress({ page: 1 });
        return job.id === 'a' ? { result: 1 } : endless()(job, tools);
      },
      { concurrency: 2 },
    );
    const beats = () => service.calls.filter(({ call }) => call === 'heartbeat');
    await until('three heartbeats', () => beats().length >= 3);
    // What is not delivered yet is held still.
    expect(beats().at(-1)?.given).toEqual([
      { id: 'b', epoch: 3 },
      { id: 'a', epoch: 3 },
    ]);
    answering.abort();
  });

  it('gives up a heartbeat that hangs, and makes the next one', async () => {
    const service = scriptedService();
    let beats = 0;
    service.before = (call) => {
      if (call !== 'heartbeat') return undefined;
      beats += 1;
      return beats === 1 ? new Promise(() => undefined) : undefined;
    };
    const { told } = await startWorker(service, endless());
    await until('another heartbeat', () => beats >= 2);
    expect(told('trouble')).toEqual([
      expect.objectContaining({ call: 'heartbeat', code: 'NO_ANSWER' }),
    ]);
  });

  it('delivers a result until it is taken', async () => {
    const service = scriptedService();
    service.add('a');
    let attempts = 0;
    service.before = (call) => {
      if (call !== 'report') return;
      attempts += 1;
      if (attempts === 1) throw new TypeError('fetch failed');
      if (attempts === 2) throw unavailable();
    };
    let judged = 0;
    service.judge = () => {
      judged += 1;
      return judged === 1 ? { code: 'STORE_UNAVAILABLE', message: 'come again' } : undefined;
    };
    const { worker, told } = await startWorker(service, () => ({ result: 1 }), {
      untilEmpty: true,
    });
    await worker.ended;
    expect(attempts).toBe(4);
    expect(service.accepted).toEqual([{ id: 'a', epoch: 3, outcome: 'complete', result: 1 }]);
    expect(told('trouble')).toHaveLength(2);
  });

  it('reports several at once where they gather', async () => {
    const service = scriptedService();
    for (let index = 0; index < 8; index += 1) service.add(`j${index}`);
    let isHeld = true;
    service.before = (call) =>
      call === 'report' && isHeld
        ? until('all to be done', () => done === 8).then(() => void (isHeld = false))
        : undefined;
    let done = 0;
    const { worker } = await startWorker(service, () => void (done += 1), {
      concurrency: 8,
      untilEmpty: true,
    });
    await worker.ended;
    const sizes = service.calls
      .filter(({ call }) => call === 'report')
      .map(({ given }) => (given as unknown[]).length);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(8);
    expect(sizes.length).toBeLessThanOrEqual(2);
  });

  it('drops what it is told to abandon, and what another has', async () => {
    const service = scriptedService();
    service.add('a');
    service.add('b');
    const reasons: unknown[] = [];
    const { told } = await startWorker(
      service,
      (job, tools) => (job.id === 'a' ? endless(reasons)(job, tools) : { result: 1 }),
      { concurrency: 2 },
    );
    service.judge = () => ({ code: 'LEASE_LOST', message: 'another has it' });
    service.abandon = [
      { id: 'a', epoch: 2, state: 'complete' },
      { id: 'a', epoch: 3, state: 'cancelled' },
    ];
    await until('the end of both', () => told('refused').length + told('abandoned').length === 2);
    expect(reasons).toEqual(['job a was taken from this worker: it is cancelled']);
    expect(told('abandoned')).toEqual([
      { event: 'abandoned', worker: 'w', id: 'a', epoch: 3, state: 'cancelled' },
    ]);
    expect(told('refused')).toEqual([
      expect.objectContaining({ id: 'b', epoch: 3, code: 'LEASE_LOST' }),
    ]);
    expect(service.accepted).toEqual([]);
  });

  it('goes on under another name when it was given up, without what it had', async () => {
    const service = scriptedService();
    service.add('a');
    const reasons: unknown[] = [];
    const { worker, told } = await startWorker(service, (job, tools) =>
      job.id === 'a' ? endless(reasons)(job, tools) : { result: 1 },
    );
    await until('its claim', () => told('claimed').length === 1);
    service.active.clear();
    service.add('b');
    await until('another result', () => service.accepted.length === 1);
    expect(worker.name).toBe('w~2');
    expect(reasons).toEqual(['worker w is no longer active']);
    expect(service.accepted).toEqual([{ id: 'b', epoch: 3, outcome: 'complete', result: 1 }]);
    expect(told('lost')).toEqual([{ event: 'lost', worker: 'w', code: 'WORKER_INACTIVE' }]);
  });

  it('takes the next name where its own was used before', async () => {
    const service = scriptedService();
    await service.activate({ name: 'w' });
    const { worker } = await startWorker(service, endless());
    expect(worker.name).toBe('w~2');
  });

  it('waits for a service that is not there yet', async () => {
    const service = scriptedService();
    let attempts = 0;
    service.before = (call) => {
      if (call !== 'activate') return;
      attempts += 1;
      if (attempts < 3) throw unavailable();
    };
    const { worker, told } = await startWorker(service, endless());
    expect(worker.name).toBe('w');
    expect(told('trouble')).toHaveLength(2);
  });

  it('ends with the reason where it is refused, at the start or later', async () => {
    const service = scriptedService();
    const refuse = (): void => {
      throw new Forbidden('act as a worker', 'a reader has no right to');
    };
    service.before = refuse;
    await expect(startWorker(service, endless())).rejects.toMatchObject({ code: 'FORBIDDEN' });
    service.before = () => undefined;
    service.add('a');
    const reasons: unknown[] = [];
    const { worker } = await startWorker(service, endless(reasons));
    service.before = (call) => (call === 'heartbeat' ? refuse() : undefined);
    await expect(worker.ended).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(reasons).toHaveLength(1);
  });

  it('lets what runs end when it is to stop', async () => {
    const service = scriptedService();
    service.add('a');
    service.add('b');
    const ending = new AbortController();
    const { worker, told } = await startWorker(
      service,
      () =>
        new Promise((resolve) =>
          ending.signal.addEventListener('abort', () => resolve({ result: 1 })),
        ),
    );
    await until('its claim', () => told('claimed').length === 1);
    const stopped = worker.stop();
    ending.abort();
    await stopped;
    expect(service.accepted).toEqual([{ id: 'a', epoch: 3, outcome: 'complete', result: 1 }]);
    expect(service.queue).toHaveLength(1);
    expect(service.active.size).toBe(0);
  });

  it('gives back what runs when it is to stop at once', async () => {
    const service = scriptedService();
    service.add('a');
    const reasons: unknown[] = [];
    const { worker, told } = await startWorker(service, endless(reasons));
    await until('its claim', () => told('claimed').length === 1);
    void worker.stop();
    await worker.stop({ drain: false });
    expect(service.accepted).toEqual([
      { id: 'a', epoch: 3, outcome: 'released', reason: 'its worker stops' },
    ]);
    expect(reasons).toEqual(['its worker stops']);
  });

  it('gives back what a claim gives that was not waited for', async () => {
    const service = scriptedService();
    service.add('a');
    const claiming = new AbortController();
    service.before = (call) => (call === 'claim' ? raised(claiming.signal) : undefined);
    const { worker } = await startWorker(service, endless());
    await until('a claim', () => service.calls.some(({ call }) => call === 'claim'));
    const stopped = worker.stop();
    claiming.abort();
    await stopped;
    expect([service.accepted, service.active.size]).toEqual([expect.arrayContaining([]), 0]);
    expect(service.accepted.every(({ outcome }) => outcome === 'released')).toBe(true);
  });

  it('sends the newest progress of each job', async () => {
    const service = scriptedService();
    service.add('a');
    await startWorker(service, (job, tools) => {
      for (let page = 1; page <= 3; page += 1) tools.progress({ page });
      return endless()(job, tools);
    });
    const sent = () => service.calls.filter(({ call }) => call === 'progress');
    await until('progress', () => sent().length > 0);
    expect(sent()[0]?.given).toEqual([{ id: 'a', epoch: 3, progress: { page: 3 } }]);
  });
});

describe('a report that is refused', () => {
  const limit = 10_000;
  const tooLarge = { code: 'OUTPUT_TOO_LARGE', message: 'at most 10000 bytes' };
  const outcomeOf = async (service: ScriptedService, run: Run) => {
    service.add('a');
    const { worker, told } = await startWorker(service, run, { untilEmpty: true });
    await worker.ended;
    return { accepted: service.accepted, refused: told('refused') };
  };
  const judgeSizes: ScriptedService['judge'] = ({ stdout = '', stderr = '', result = '' }) =>
    [stdout, stderr, JSON.stringify(result)].some((text) => Buffer.byteLength(text) > limit)
      ? tooLarge
      : undefined;

  it('for an output is made again with that one shortened', async () => {
    const service = scriptedService();
    service.judge = judgeSizes;
    const { accepted } = await outcomeOf(service, () => ({
      result: { n: 1 },
      stdout: `begin ${'x'.repeat(50_000)} end`,
      stderr: 'kept',
    }));
    expect(accepted).toMatchObject([{ outcome: 'complete', result: { n: 1 }, stderr: 'kept' }]);
    expect(accepted[0]?.stdout).toMatch(/^begin x+\n\[\d+ bytes are missing here\]\nx+ end$/);
  });

  it('for the result itself becomes an error', async () => {
    const service = scriptedService();
    service.judge = judgeSizes;
    const { accepted } = await outcomeOf(service, () => ({
      result: { text: 'x'.repeat(50_000) },
      stdout: 'kept',
    }));
    const error = { type: 'output_too_large', message: tooLarge.message };
    expect(accepted).toEqual([{ id: 'a', epoch: 3, outcome: 'error', error, stdout: 'kept' }]);
  });

  it('as a whole for its size is made again, shortened', async () => {
    const service = scriptedService();
    const report = service.report.bind(service);
    service.report = (name, results) =>
      JSON.stringify(results).length > limit
        ? Promise.reject(Object.assign(new Error('too large'), { code: 'PAYLOAD_TOO_LARGE' }))
        : report(name, results);
    // Compressed it is hardly smaller.
    const stdout = randomBytes(40_000).toString('base64');
    const { accepted } = await outcomeOf(service, () => ({ stdout }));
    expect(accepted[0]?.stdout).toMatch(/bytes are missing here/);
  });

  it('for what is in it becomes an error, and sinks no other', async () => {
    const service = scriptedService();
    const report = service.report.bind(service);
    // The service cannot even read a call with this in it.
    service.report = (name, results) =>
      JSON.stringify(results).includes('poison')
        ? Promise.reject(Object.assign(new Error('cannot be read'), { code: 'INVALID_DATA' }))
        : report(name, results);
    for (const id of ['x', 'y', 'z']) service.add(id);
    const { worker } = await startWorker(
      service,
      ({ id }) => ({ result: id === 'y' ? 'poison' : id }),
      { untilEmpty: true, concurrency: 3 },
    );
    await worker.ended;
    const outcomes = service.accepted.map(({ id, outcome, error }) => [id, outcome, error?.type]);
    expect(outcomes.sort()).toEqual([
      ['x', 'complete', undefined],
      ['y', 'error', 'invalid_result'],
      ['z', 'complete', undefined],
    ]);
  });

  it('where nothing is left to mend is dropped and told', async () => {
    const service = scriptedService();
    service.judge = () => ({ code: 'INVALID_DATA', message: 'never' });
    const { accepted, refused } = await outcomeOf(service, () => ({ result: 1, stdout: 'x' }));
    expect(accepted).toEqual([]);
    expect(refused).toEqual([expect.objectContaining({ code: 'INVALID_DATA' })]);
    expect(service.calls.filter(({ call }) => call === 'report')).toHaveLength(3);
  });

  it.each([
    [
      'a cycle',
      () => {
        const cycle: Record<string, unknown> = {};
        cycle['self'] = cycle;
        return cycle;
      },
    ],
    ['a BigInt', () => 1n],
    ['a function', () => () => 1],
  ])('is not made at all of %s', async (_what, make) => {
    const { accepted } = await outcomeOf(scriptedService(), () => ({ result: make() }));
    expect(accepted).toMatchObject([{ outcome: 'error', error: { type: 'invalid_result' } }]);
  });
});
