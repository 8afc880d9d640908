import { expect, it } from 'vitest';
import { JobManager } from 'jobwright';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { openManager } from './population.ts';
import { randomBytes } from 'node:crypto';

it('a process that does not know a machine does not spoil its jobs', async () => {
  const store = createMemoryStore();
  const secrets = `k1:${randomBytes(32).toString('base64')}`;
  // A process that dies before it projects.
  const dying = await openManager({ store: { ...store, project: async () => { throw new Error('killed'); }, close: async () => undefined } , secrets});
  const job = await dying.setup('meter', { data: { unit: 'kWh' } });
  await job.read({ value: 3 });
  await job.close();
  const stranger = await JobManager.open({ store: { ...store, close: async () => undefined }, secrets, home: '/tmp/exp/hh', logLevel: 'silent' });
  await stranger.maintain();
  const knower = await openManager({ store: { ...store, close: async () => undefined }, secrets });
  console.log((await store.readJob(job.id)));
  const again = await knower.job<'meter'>(job.id);
  console.log(again.context, again.state, again.states);
  console.log((await knower.verify()).problems);
  console.log(await store.scanEffects({})[Symbol.asyncIterator]().next());
  await stranger.close();
});
