import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { resumeRuns } from '../../src/bulk/resumeRuns.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { repairAll } from '../../src/maintenance/repairProjection.ts';
import { bundleForChild, spawnChild } from '../support/childProcess.ts';
import { waitUntil } from '../support/waitUntil.ts';
import { useBulkWorld } from './bulkWorld.ts';

const client = fileURLToPath(new URL('fixtures/bulkClient.ts', import.meta.url));

describe('a bulk run whose process is killed', () => {
  const world = useBulkWorld('mongo');

  /** Lets a process die in the middle, and another one finish what it began. */
  async function killed(
    { op, data, background }: { op: string; data?: object; background: boolean },
    ids: readonly string[],
  ) {
    const child = spawnChild(await bundleForChild(client));
    const { mongodb, database, home, secrets } = world.options;
    const open = { mongodb, database, home, secrets };
    child.tell({ open, ids, op, data, diesAfter: 1_100 });
    expect(await child.ended).toMatchObject({ signal: 'SIGKILL' });
    const rescuer = await JobManager.open({ ...world.options, background });
    try {
      if (!background) await repairAll(rescuer.engine);
      const newest = async () => (await rescuer.bulk.list({ limit: 1 })).runs[0];
      const state = async () => (await newest())?.state ?? 'absent';
      const isFinished = async () => {
        if (!background) await resumeRuns(rescuer.engine);
        return (await state()) === 'finished' || state();
      };
      await waitUntil('the run is finished', isFinished, 90_000);
      const run = await newest();
      const outcomes = [];
      for await (const each of rescuer.bulk.outcomes(run?.run ?? '')) outcomes.push(each);
      return { run, outcomes };
    } finally {
      await rescuer.close();
    }
  }

  it('is finished by another one, with every job changed once', async () => {
    const ids = await world.records(...Array.from({ length: 3_000 }, () => 'waiting' as const));
    const { run, outcomes } = await killed({ op: 'cancel', background: true }, ids);
    expect(run).toMatchObject({
      ...{ op: 'cancel', reason: 'tidy up', by: { kind: 'admin', id: 'ada' } },
      counts: { requested: 3_000, updated: 3_000, unchanged: 0, refused: 0 },
    });
    expect(outcomes).toEqual(
      ids.map((id, index) => ({ index, id, outcome: 'updated', state: 'cancelled' })),
    );
    const { store } = world.manager.engine;
    const logs = await Promise.all(ids.map((id) => store.readNewer(id, 1, 10)));
    const entries = logs.map((commits) => commits.flatMap((commit) => commit.entries));
    expect(entries.filter((own) => own.length !== 1)).toEqual([]);
    const added = entries.flat();
    expect(new Set(added.map(({ key }) => key)).size).toBe(3_000);
    for (const entry of added) {
      expect(entry).toMatchObject({ name: 'cancel', actor: { kind: 'admin', id: 'ada' } });
    }
    const report = await world.manager.verify();
    expect(report.problems).toEqual([]);
  }, 150_000);

  it('tells the same of what it has deleted for good', async () => {
    const ids = await world.records(...Array.from({ length: 1_200 }, () => 'waiting' as const));
    const { run, outcomes } = await killed(
      { op: 'delete', data: { hard: true }, background: false },
      ids,
    );
    expect(run).toMatchObject({ counts: { updated: 1_200, unchanged: 0, refused: 0 } });
    expect(outcomes).toEqual(ids.map((id, index) => ({ index, id, outcome: 'updated' })));
  }, 150_000);
});
