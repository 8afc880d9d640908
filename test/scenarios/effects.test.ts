import { InvalidTransition } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { useLamp } from './lamp.ts';
import { historyOf, useWorld } from './world.ts';

const world = useWorld({ frozenAt: '2026-11-16T09:00:00.000Z' });
const { bell, rung, open, newLamp, rungBy, statusOf, heard, settled } = useLamp(world);

describe('an effect', () => {
  it('runs after its entry is committed, and is told what it needs', async () => {
    let committed = 0;
    bell.handle = async (run) => {
      committed = (await historyOf(await world.manager.job(run.jobId))).length;
      rung.push(run);
    };
    const job = await newLamp(await open());
    await job.on({ watts: 40 });
    await job.ring();
    await heard(job.id, 1);
    expect(committed).toBe(3);
    const { archivePath, archiveDirectory } = job;
    expect(rungBy(job.id)[0]).toMatchObject({
      jobId: job.id,
      machine: 'lamp',
      seq: 3,
      event: 'ring',
      actor: { kind: 'operator', id: 'library' },
      params: { tune: 'a' },
      key: `${job.id}:3:0`,
      attempt: 1,
      archivePath,
      archiveDirectory,
    });
  });

  it('is not run for an event that was refused', async () => {
    const job = await newLamp(await open());
    await job.on({ watts: 40 });
    await world.refusal(job.id, InvalidTransition, () => job.ring().on({ watts: 40 }));
    await world.manager.maintain();
    expect(rungBy(job.id)).toEqual([]);
  });

  it('is tried again later and later under the same key, then parked with its reason', async () => {
    bell.handle = async (run) => {
      rung.push(run);
      throw new Error(`no bell, attempt ${run.attempt}`);
    };
    const manager = await open();
    const job = await newLamp(manager);
    await job.on({ watts: 40 }).ring();
    for (let attempt = 1; attempt < 10; attempt += 1) {
      await settled(job.id, [['due', attempt, `no bell, attempt ${attempt}`]]);
      world.passTime(1_000 * 2 ** (attempt - 1) - 1);
      await manager.engine.effects.runDue();
      expect(rungBy(job.id)).toHaveLength(attempt);
      world.passTime(1);
      await manager.engine.effects.runDue();
      await heard(job.id, attempt + 1);
    }
    await settled(job.id, [['parked', 10, 'no bell, attempt 10']]);
    world.passTime(86_400_000);
    await manager.engine.effects.runDue();
    expect(rungBy(job.id).map(({ attempt }) => attempt)).toEqual(
      [...Array(10).keys()].map((n) => n + 1),
    );
    expect(new Set(rungBy(job.id).map(({ key }) => key)).size).toBe(1);
  });

  it('waits for the one before it in its job, and a parked one holds up nothing', async () => {
    let fails = true;
    bell.handle = async (run) => {
      rung.push(run);
      if (fails && run.seq === 3) throw new Error('not yet');
    };
    const manager = await open();
    const [job, other] = [await newLamp(manager), await newLamp(manager)];
    await job.on({ watts: 40 }).ring().twice();
    await other.on({ watts: 40 }).ring();
    await settled(job.id, [
      ['due', 1, 'not yet'],
      ['due', 0],
      ['due', 0],
    ]);
    fails = false;
    world.passTime(1_000);
    await manager.maintain();
    await settled(job.id, [
      ['done', 2],
      ['done', 1],
      ['done', 1],
    ]);
    expect(rungBy(job.id).map(({ params }) => params?.['tune'])).toEqual(['a', 'a', 'b', 'c']);
    await settled(other.id, [['done', 2]]);
  });

  it('is run by one of two managers, and by the other where the first does not end', async () => {
    bell.handle = async (run) => {
      rung.push(run);
      // The first one hangs until it is told to stop.
      if (run.attempt === 1 && run.seq === 4) {
        await new Promise((_, reject) => {
          run.signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      }
    };
    const [first, second] = [await open(), await open()];
    const job = await newLamp(first);
    await job.on({ watts: 40 }).ring();
    await Promise.all([first.maintain(), second.maintain()]);
    await heard(job.id, 1);
    await settled(job.id, [['done', 1]]);
    expect(rungBy(job.id)).toHaveLength(1);

    await job.ring();
    await heard(job.id, 2);
    await second.engine.effects.runDue();
    expect(rungBy(job.id)).toHaveLength(2);
    world.passTime(60_000);
    await second.engine.effects.runDue();
    expect(
      rungBy(job.id)
        .map(({ key, attempt }) => [key, attempt])
        .at(-1),
    ).toEqual([`${job.id}:4:0`, 2]);
    await settled(job.id, [
      ['done', 1],
      ['done', 2],
    ]);
    await first.close();
    expect(await statusOf(job.id)).toEqual([
      ['done', 1],
      ['done', 2],
    ]);
  });

  it('goes on where a manager was closed in the middle', async () => {
    bell.handle = async (run) => {
      rung.push(run);
      if (run.attempt > 1) return;
      await new Promise((_, reject) => {
        run.signal.addEventListener('abort', () => reject(new Error('stopped')));
      });
    };
    const first = await open();
    const job = await newLamp(first);
    await job.on({ watts: 40 }).ring();
    await heard(job.id, 1);
    await first.close();
    const second = await open();
    world.passTime(1_000);
    await second.maintain();
    await settled(job.id, [['done', 2]]);
  });

  it('is left alone by a process that does not know its machine', async () => {
    bell.handle = async (run) => {
      rung.push(run);
      if (run.attempt === 1) throw new Error('not yet');
    };
    const first = await open();
    const job = await newLamp(first);
    await job.on({ watts: 40 }).ring();
    await settled(job.id, [['due', 1, 'not yet']]);
    await first.close();
    for (let round = 0; round < 12; round += 1) {
      world.passTime(1_000);
      await world.manager.maintain();
    }
    expect(await statusOf(job.id)).toEqual([['due', 1, 'not yet']]);
    await (await open()).maintain();
    await settled(job.id, [['done', 2]]);
  });
});
