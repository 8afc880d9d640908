import { Forbidden, JobManager, Unauthenticated } from 'jobwright';

const manager = await JobManager.open();
await manager.pipelines.put('tacobot', { name: 'Tacobot' });
const job = await manager.setup('pipelineJob', { pipeline: 'tacobot', data: { sample: 'S2' } });
await job.run();

// For two events and one hour.
const progress = job.issueToken({ events: ['update', 'resource'], ttl: 3600 });
const reporter = await manager.job(job.id, { token: progress.token });
await reporter.update({ percent: 10 });
try {
  await reporter.finish();
} catch (error) {
  if (!(error instanceof Forbidden)) throw error;
  console.log(error.message);
}

// For one accepted send. The very same request again is answered alike and changes nothing.
const once = job.issueToken({ events: ['finish'], once: true });
const finisher = await manager.job(job.id, { token: once.token });
await finisher.finish({ files: 3 });
await finisher.finish({ files: 3 });
console.log(`${finisher.state} at version ${finisher.version}`);
try {
  await finisher.finish({ files: 4 });
} catch (error) {
  if (!(error instanceof Unauthenticated)) throw error;
  console.log(error.message);
}

// Ends every token of the job that was issued before.
await job.revokeTokens('the scheduler was replaced');
try {
  await reporter.refresh();
} catch (error) {
  if (!(error instanceof Unauthenticated)) throw error;
  console.log(error.message);
}
await manager.close();
