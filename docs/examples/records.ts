import { createWorker, JobManager, RunFailed } from 'jobwright';

const manager = await JobManager.open();

const outcomes = await manager.setupMany(
  'record',
  [4, 9, -1].map((n) => ({ data: { programs: ['root'], input: n } })),
);
const ids = outcomes.flatMap((each) => (each.outcome === 'refused' ? [] : [each.job.id]));

// In the process of a manager a worker speaks to `manager.workers`; elsewhere to the client's.
const work = async () => {
  const worker = createWorker({
    workers: manager.workers,
    programs: { root: '1.0' },
    concurrency: 2,
    untilEmpty: true,
    run({ data }, { log }) {
      const n = Number(data['input']);
      log(`the root of ${n}`);
      if (n < 0) throw new RunFailed('negative', `${n} has no real root`);
      return { result: Math.sqrt(n) };
    },
  });
  await worker.start();
  await worker.ended;
};
await work();
const records = await manager.jobs(ids);
console.log(records.map((record) => record?.state).join(' '));

for (const id of ids) {
  const [attempt] = await manager.attempts(id);
  const outcome = attempt?.error?.message ?? (await manager.output(id, { name: 'result' }));
  console.log(`${attempt?.outcome}: ${String(outcome)}`);
}

// A filter may match more than was meant, so it takes a plan, which shows what would happen.
const request = {
  op: 'reset',
  q: { type: 'record', state: 'error' },
  reason: 'a second try',
};
const { matched, plan } = await manager.bulk.plan(request);
const { counts } = await manager.bulk.run({ ...request, plan });
console.log(`${matched} matched, ${counts.updated} reset`);

await work();
const [last = ''] = ids.slice(-1);
const record = await manager.job<'record'>(last);
console.log(`${record.state} after ${(await manager.attempts(last)).length} attempts`);
for (const { seq, name, to, actor } of (await record.history()).entries) {
  console.log(`${seq} ${name} → ${to} by ${actor.kind}`);
}
await manager.close();
