import { MongoClient, type Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moveOf } from '../../src/jobs/countMoves.ts';
import { verify } from '../../src/jobs/verify.ts';
import type { Problem } from '../../src/jobs/verifyReport.ts';
import type { CountRecord } from '../../src/store/mongo/collections.ts';
import { keyOf } from '../../src/store/mongo/countKeys.ts';
import { collect } from '../store/conformance/builders.ts';
import { testDatabase } from '../support/database.ts';
import { openManager, populate, type VerifiedManager } from './population.ts';

describe('counts that are not what the log comes to', () => {
  const { uri, database } = testDatabase();
  let manager: VerifiedManager;
  let client: MongoClient;
  let db: Db;
  const counts = () => db.collection<CountRecord>('counts');
  const check = async (patience = 0): Promise<readonly Problem[]> =>
    (await verify(manager.engine, { patience })).problems;

  beforeAll(async () => {
    manager = await openManager({ mongodb: uri, database });
    await populate(manager, 7);
    client = await MongoClient.connect(uri);
    db = client.db(database);
  });
  afterAll(() => client.close());

  /** Puts the counts back as they were. */
  const undoing = async (work: () => Promise<void>): Promise<void> => {
    const before = await counts().find().toArray();
    try {
      await work();
    } finally {
      await counts().deleteMany({});
      await counts().insertMany(before);
    }
    expect(await check()).toEqual([]);
  };

  it('are shown, state by state', async () => {
    await undoing(async () => {
      const key = `counts.${keyOf('pipelineJob', 'FINISHED')}`;
      await counts().updateOne({ _id: 'base' }, { $inc: { [key]: 2, 'counts.lamp on': 1 } });
      const { FINISHED = 0 } = (await manager.counts())['pipelineJob'] ?? {};
      const told = [
        `lamp in on: 1 jobs are counted, the log has 0`,
        `pipelineJob in FINISHED: ${FINISHED} jobs are counted, the log has ${FINISHED - 2}`,
      ];
      const found = [...(await check())].sort((one, other) =>
        one.message < other.message ? -1 : 1,
      );
      expect(found).toEqual(told.map((message) => ({ job: '', check: 'counts', message })));
    });
  });

  it('are shown where a process says that it has counted what it has not', async () => {
    await undoing(async () => {
      await counts().updateOne({ _id: manager.engine.processId }, { $set: { counts: {} } });
      expect((await check()).map(({ check: kind }) => kind)).toContain('counts');
    });
  });

  it('are shown where commits stay uncounted, and left a moment where they do not', async () => {
    await undoing(async () => {
      const { processId, store } = manager.engine;
      const own = await store.readCountMark(processId);
      const [created] = (await collect(store.scanCommitsOf(processId, new Date(0)))).filter(
        ({ entries }) => entries[0]?.operation === 'create',
      );
      if (!own || !created) throw new Error('nothing was counted');
      const { nonce, type, to } = moveOf(created);
      const state = to ?? '';
      // As if all commits were counted but this one.
      const beyond = Array.from({ length: 1_000 }, (_each, place) => nonce + 1 + place);
      const $inc = { [`counts.${keyOf(type, state)}`]: -1 };
      await counts().updateOne({ _id: processId }, { $set: { upTo: nonce - 1, beyond }, $inc });
      const message = `1 commits of the process ${processId} are not counted`;
      expect(await check()).toEqual([{ job: '', check: 'counts', message }]);
      const checking = check(30_000);
      await store.count(processId, { ...own, version: own.version + 1 }, [
        { type, state, jobs: 1 },
      ]);
      expect(await checking).toEqual([]);
    });
  });

  it('are not looked at for one job alone', async () => {
    await undoing(async () => {
      await counts().updateOne({ _id: 'base' }, { $inc: { 'counts.lamp on': 1 } });
      const { jobs } = await manager.list({}, { limit: 1 });
      expect(await manager.verify({ job: jobs[0]?.id })).toMatchObject({ ok: true });
    });
  });
});
