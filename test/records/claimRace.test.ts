import type { JobManager } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { storeKinds } from './recordWorld.ts';
import { useWorkerWorld } from './workerWorld.ts';

const claimers = 16;
const records = 2_000;

describe.each(storeKinds)('many claimers in two processes on %s', (kind) => {
  const world = useWorkerWorld(kind);

  /** Claims until nothing is left, as a worker of this process. */
  async function drain(manager: JobManager, tag: string, limit: number): Promise<string[]> {
    const name = await world.activate({ tags: [tag], leaseSeconds: 3_600 });
    const ids: string[] = [];
    for (let empty = 0; empty < 2;) {
      const claimed = await manager.workers.claim(name, { limit });
      ids.push(...claimed.map(({ id }) => id));
      empty = claimed.length === 0 ? empty + 1 : 0;
    }
    expect((await world.workers.get(name)).counts.claimed).toBe(ids.length);
    return ids;
  }

  it('have each record once, by one claim in its history', async () => {
    const tag = world.newTag();
    const other = await world.open();
    const lost = { races: 0 };
    for (const each of [world.manager, other])
      each.engine.telemetry.on('commit.conflict', () => (lost.races += 1));
    const inputs = Array.from({ length: records }, (_, nr) => ({
      data: { nr, tag, priority: nr % 3 },
    }));
    const outcomes = await world.manager.setupMany('record', inputs);
    const ids = outcomes.map((each) => (each.outcome === 'created' ? each.job.id : ''));
    await world.maintain();

    const claimed = await Promise.all(
      Array.from({ length: claimers }, (_, index) =>
        drain(index % 2 === 0 ? world.manager : other, tag, 10 + (index % 5) * 10),
      ),
    );
    expect(claimed.flat().sort()).toEqual([...ids].sort());
    console.info(`${kind}: ${lost.races} lost races for ${records} records`);

    let claims = 0;
    for await (const commit of world.manager.engine.store.scanCommits())
      claims += commit.entries.filter(({ name }) => name === 'claim').length;
    expect(claims).toBe(records);
  });

  it('leave nothing behind where many come with little to be had', async () => {
    const tag = world.newTag();
    const inputs = Array.from({ length: 20 }, (_, nr) => ({ data: { nr, tag, of: tag } }));
    await world.manager.setupMany('record', inputs);
    const claimed = await Promise.all(
      Array.from({ length: claimers }, () => drain(world.manager, tag, 3)),
    );
    expect(new Set(claimed.flat()).size).toBe(20);
    expect(claimed.flat()).toHaveLength(20);
  });
});
