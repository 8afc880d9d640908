import { JobwrightClient } from 'jobwright/client';

const client = new JobwrightClient({
  url: process.env['JOBWRIGHT_URL'] ?? 'http://127.0.0.1:8787',
  token: process.env['JOBWRIGHT_TOKEN'] ?? '',
});
const { job, callbackUrl } = await client.createJob({
  pipeline: 'tacobot',
  data: { sample: 'S3' },
});
console.log(`${job.id} is ${job.state}; report to ${new URL(callbackUrl).pathname}`);

const { entries } = await client.send(job.id, [{ name: 'run' }, { name: 'finish' }]);
console.log(entries.map(({ seq, name, to }) => `${seq} ${name} → ${to}`).join(', '));
