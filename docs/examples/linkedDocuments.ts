import { JobManager } from 'jobwright';

const manager = await JobManager.open();
await manager.pipelines.put('tacobot', { name: 'Tacobot' });
await manager.documents.put('samples', 'sample-1', { name: 'Taco no. 1' });
await manager.documents.put('files', 'file-1', { uri: 'agave://data/uploads/taco.csv' });
await manager.documents.put('references', 'ref-1', { uri: 'https://example.org/tacos' });

const job = await manager.setup('pipelineJob', {
  pipeline: 'tacobot',
  parents: 'Taco no. 1',
  data: {
    inputs: ['agave://data/uploads/taco.csv'],
    parameters: { atlas: 'https://example.org/tacos', note: 'no document has this text' },
  },
});
console.log(`child_of ${job.links.child_of.join()}`);
console.log(`acted_on ${job.links.acted_on.join()}`);
console.log(`acted_using ${job.links.acted_using.join()}`);

// A document and another job may link to the job.
await manager.documents.put('files', 'file-2', { generated_by: [job.id, 'by-hand'] });
const next = await manager.setup('pipelineJob', { pipeline: 'tacobot', parents: job.id });
console.log(`the next job is its child: ${next.links.child_of.includes(job.id)}`);

const { token } = manager.issueToken({ kind: 'admin', subject: 'ada' });
const { linksRemoved } = await job.delete({ token, reason: 'a duplicate' });
const file = await manager.documents.get('files', 'file-2');
await next.refresh();
console.log(`links removed: ${linksRemoved}`);
console.log(`file-2 is generated_by ${JSON.stringify(file?.['generated_by'])}`);
console.log(`the next job is child_of ${JSON.stringify(next.links.child_of)}`);
await manager.close();
