import { JobManager } from 'jobwright';

const manager = await JobManager.open();
await manager.pipelines.put('tacobot', { name: 'Tacobot' });

const inputs = Array.from({ length: 500 }, (_, plate) => ({
  pipeline: plate === 250 ? 'burritobot' : 'tacobot',
  data: { plate },
}));
const outcomes = await manager.setupMany('pipelineJob', inputs);
for (const each of outcomes) {
  if (each.outcome === 'refused') console.log(`no. ${each.index}: ${each.error.message}`);
}

const jobs = outcomes.flatMap((each) => (each.outcome === 'refused' ? [] : [each.job]));
await Promise.all(jobs.map((job) => job.run()));
console.log(`${jobs.length} jobs are ${jobs[0]?.state}`);

// Repeated, it finds what is there and makes no second one.
const again = await manager.setupMany('pipelineJob', inputs);
const countOf = (wanted: string) => again.filter(({ outcome }) => outcome === wanted).length;
console.log(`${countOf('created')} created, ${countOf('existing')} existing`);
await manager.close();
