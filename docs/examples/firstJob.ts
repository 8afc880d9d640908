import { JobManager } from 'jobwright';

const manager = await JobManager.open();
await manager.pipelines.put('tacobot', { name: 'Tacobot' });

const job = await manager.setup('pipelineJob', { pipeline: 'tacobot', data: { sample: 'S1' } });
await job.run({ host: 'node17' }).update({ percent: 50 }).finish({ files: 3 });

for (const { seq, name, from, to } of (await job.history()).entries) {
  console.log(`${seq} ${name}: ${from ?? 'nothing'} → ${to}`);
}
console.log(`JOB=${job.id} TOKEN=${job.token} node deferredUpdate.mjs`);
await manager.close();
