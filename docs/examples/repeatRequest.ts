import { InvalidTransition, JobManager, VersionMismatch } from 'jobwright';

const manager = await JobManager.open();
await manager.pipelines.put('tacobot', { name: 'Tacobot' });
const job = await manager.setup('pipelineJob', { pipeline: 'tacobot', data: { sample: 'S3' } });

// A chain is accepted whole or refused whole.
try {
  await job.run().finish().update({ percent: 90 });
} catch (error) {
  if (!(error instanceof InvalidTransition)) throw error;
  console.log(`${error.code}: ${error.message}`);
  console.log(`event no. ${error.index}; nothing was written: ${job.state}`);
}

// Sent twice under one key, applied once: safe to repeat when an answer was lost.
const events = [{ name: 'run' }, { name: 'update', data: { percent: 10 } }];
await job.sendAll(events, { key: 'start-of-S3' });
await job.sendAll(events, { key: 'start-of-S3' });
console.log(`${job.state} at version ${job.version}`);

// Only if nobody was faster.
try {
  await job.sendAll([{ name: 'finish' }], { ifVersion: 2 });
} catch (error) {
  if (!(error instanceof VersionMismatch)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
await job.sendAll([{ name: 'finish' }], { ifVersion: job.version });
console.log(`${job.state} at version ${job.version}`);
await manager.close();
