import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JobManager, JobNotFound } from 'jobwright';

const manager = await JobManager.open();
await manager.pipelines.put('tacobot', { name: 'Tacobot' });

// The same pipeline, parents and data are the same job: this attaches if it is there.
const tacos = { pipeline: 'tacobot', data: { sample: 'S1' } };
const job = await manager.setup('pipelineJob', tacos);
await writeFile(join(job.archiveDirectory, 'result.csv'), 'sample,count\nS1,3\n');
console.log(`${job.state}, files: ${(await readdir(job.archiveDirectory)).join()}`);

const { token } = manager.issueToken({ kind: 'admin', subject: 'ada', ttl: 600 });

await job.reset({ token, reason: 'wrong reference' });
console.log(`${job.state}, files: ${(await readdir(job.archiveDirectory)).length}`);
const { entries } = await job.history();
console.log(entries.map(({ name }) => name).join(' '));

await job.delete({ token, reason: 'no longer needed' });
try {
  await manager.job(job.id);
} catch (error) {
  if (!(error instanceof JobNotFound)) throw error;
  console.log('gone');
}

const again = await manager.setup('pipelineJob', tacos);
console.log(`${again.state}, the same id: ${again.id === job.id}`);
console.log(`it goes on counting: ${again.version > job.version}`);

const report = await manager.verify();
console.log(`verified ${report.entries} entries, problems: ${report.problemCount}`);
await manager.close();
