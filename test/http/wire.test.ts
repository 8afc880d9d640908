import { describe, expect, it } from 'vitest';
import { placeEntries } from '../../src/jobs/request.ts';
import { loadLiving } from '../../src/jobs/loadJob.ts';
import { viewEntry } from '../../src/jobs/jobView.ts';
import { entryJson, jobJson, wireJob } from '../../src/http/wire.ts';
import { pipelineJob } from '../../machines/index.ts';
import { httpWorld } from './world.ts';

const world = httpWorld();

/** A way through every state of the machine. */
const way = ['run', 'finish', 'index', 'indexed', 'validate', 'validated', 'finalize', 'retire'];

describe('a job and its entries as JSON text', () => {
  it('say the same as the views of the library, in every state, the first time and the second', async () => {
    const { engine } = world.manager;
    const data = { 'a"b': ['\n', 1.5e300, { deep: null }], $set: 'ü€😀' };
    const states = new Set<string>();
    for (let round = 0; round < 2; round += 1) {
      const { id } = await world.create({ data: { round, ...data }, tags: ['a', '"b"'] });
      const job = await world.manager.job(id);
      const look = async (): Promise<void> => {
        const live = await loadLiving(engine, id);
        states.add(live.state);
        expect(JSON.parse(jobJson(engine, live))).toEqual(wireJob(engine, live));
      };
      await look();
      for (const name of way) {
        await job.send(name, data);
        await look();
      }
      await job.reset({ token: world.admin, reason: 'again' });
      await job.send('fail');
      await look();
      for (const commit of await engine.store.readCommits(id, 1)) {
        for (const placed of placeEntries(commit)) {
          expect(JSON.parse(entryJson(placed))).toEqual(viewEntry(placed));
        }
      }
    }
    expect(states.size).toBeGreaterThan(8);
    expect(Object.keys(pipelineJob.machine.states).length).toBe(11);
  });
});
