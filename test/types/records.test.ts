import {
  createWorker,
  type BulkAnswer,
  type BulkOutcome,
  type BulkPlan,
  type ClaimedJob,
  type Datasets,
  type JobHandle,
  type JobManager,
  type RecordState,
  type RetryPolicy,
  type WhyWaiting,
  type Workers,
  type record,
} from 'jobwright';
import { JobwrightClient } from 'jobwright/client';
import { runProgram, type Run, type WorkerProtocol } from 'jobwright/worker';
import { describe, expectTypeOf, it } from 'vitest';

/** Checked by tsc and never run. */
const unrun = (_lines: () => unknown): void => undefined;
declare const manager: JobManager;

describe('the types of records', () => {
  it('know the events of a record, and that cancel is one', () => {
    unrun(async () => {
      const job = await manager.setup('record', { data: { input: 1 } });
      expectTypeOf(job).toEqualTypeOf<JobHandle<(typeof record)['events']>>();
      await job.cancel({ reason: 'not wanted' }).uncancel().modify({ priority: 'high' });
      await job.comment({ text: 'seen' });
      // @ts-expect-error a comment has a text
      await job.comment({});
      expectTypeOf(job).not.toHaveProperty('retire');
    });
    expectTypeOf<RecordState>().extract<'waiting' | 'invalid'>().not.toBeNever();
    expectTypeOf<RetryPolicy['limits']>().toEqualTypeOf<Record<string, number>>();
  });

  it('let a worker speak to a manager as to a client', () => {
    unrun(() => {
      const client = new JobwrightClient({ url: 'http://127.0.0.1:8787', token: '' });
      expectTypeOf(manager.workers).toExtend<WorkerProtocol>();
      expectTypeOf(manager.workers).toEqualTypeOf<Workers>();
      expectTypeOf(client.workers).toExtend<WorkerProtocol>();
      expectTypeOf(runProgram({ command: 'true' })).toEqualTypeOf<Run>();
      createWorker({
        workers: client.workers,
        run(job) {
          expectTypeOf(job).toEqualTypeOf<ClaimedJob>();
          return { result: 1 };
        },
      });
      // @ts-expect-error a worker needs something to do
      createWorker({ workers: manager.workers });
    });
  });

  it('name what bulk operations, datasets and questions answer', () => {
    unrun(async () => {
      const request = { op: 'reset', q: { state: 'error' } } as const;
      const plan = await manager.bulk.plan(request);
      expectTypeOf(plan).toEqualTypeOf<BulkPlan>();
      const answer = await manager.bulk.run({ ...request, plan: plan.plan });
      expectTypeOf(answer).toEqualTypeOf<BulkAnswer>();
      expectTypeOf(answer.outcomes).toEqualTypeOf<readonly BulkOutcome[] | undefined>();
      expectTypeOf(manager.datasets).toEqualTypeOf<Datasets>();
      expectTypeOf(await manager.why('id')).toEqualTypeOf<WhyWaiting>();
    });
  });
});
