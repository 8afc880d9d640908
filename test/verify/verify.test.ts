import { MongoClient, type Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegistry } from '../../src/machine/registry.ts';
import { pipelineJob } from '../../machines/index.ts';
import { verify } from '../../src/jobs/verify.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { JobNotFound } from '../../src/errors.ts';
import type { EffectRecord } from '../../src/store/mongo/collections.ts';
import { testDatabase } from '../support/database.ts';
import { openManager, populate, type VerifiedManager } from './population.ts';

const clean = {
  ok: true,
  unknownMachines: [],
  problems: [],
  problemCount: 0,
  parked: [],
  parkedCount: 0,
};

describe('verify', () => {
  const { uri, database } = testDatabase();
  let manager: VerifiedManager;
  let client: MongoClient;
  let db: Db;

  beforeAll(async () => {
    manager = await openManager({ mongodb: uri, database });
    await populate(manager, 1);
    client = await MongoClient.connect(uri);
    db = client.db(database);
  });
  afterAll(() => client.close());

  it('finds nothing wrong with a database that was only used', async () => {
    const report = await manager.verify();
    expect(report).toEqual({ ...clean, jobs: 11, tombstones: 2, entries: report.entries });
    expect(report.entries).toBeGreaterThan(60);
  });

  it('looks at one job alone', async () => {
    const job = await manager.setup('meter', { data: { unit: 'bar' } });
    await job.read({ value: 1 });
    const report = await manager.verify({ job: job.id });
    expect(report).toEqual({ ...clean, jobs: 1, tombstones: 0, entries: 2 });
  });

  it('says that a job never was', async () => {
    await expect(manager.verify({ job: 'nobody' })).rejects.toThrow(JobNotFound);
  });

  it('raises no false alarm while jobs are created, changed and deleted', async () => {
    const { token } = manager.issueToken({ kind: 'admin', subject: 'ada' });
    let isOver = false;
    const work = async (worker: number): Promise<void> => {
      for (let nr = 0; !isOver; nr += 1) {
        const data = { worker, nr: nr % 5 };
        const job = await manager.setup('pipelineJob', { pipeline: 'count', data });
        await job.run().update({ nr }).finish();
        if (nr % 2 === 0) await job.reset({ token, reason: 'again' });
        else await job.delete({ token, reason: 'enough' });
      }
    };
    const workers = [1, 2, 3].map(work);
    const reports = [];
    for (let round = 0; round < 8; round += 1) reports.push(await manager.verify());
    isOver = true;
    await Promise.all(workers);
    expect(reports.map(({ problems }) => problems)).toEqual(reports.map(() => []));
    expect(await manager.verify()).toMatchObject(clean);
  });

  it('shows the same in memory as on MongoDB', async () => {
    const inMemory = await openManager({ store: createMemoryStore() });
    await populate(inMemory, 1);
    expect(await inMemory.verify()).toMatchObject({ ...clean, jobs: 11, tombstones: 2 });
  });

  it('names machines that it does not know, and takes them for a problem where told to', async () => {
    const parts = {
      store: manager.engine.store,
      registry: createRegistry([pipelineJob], engineEffects),
    };
    expect(await verify(parts)).toMatchObject({ ...clean, unknownMachines: ['meter@1'] });
    const strict = await verify(parts, { requireMachines: true, patience: 0 });
    expect(strict.problems).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          check: 'replay',
          message: 'the machine meter@1 is not known here',
        }),
      ]),
    );
  });

  it('notices a machine that was changed under its old version', async () => {
    const { store } = manager.engine;
    const changed = { ...pipelineJob, name: 'meter', pipeline: 'optional' } as const;
    const registry = createRegistry([pipelineJob, changed], engineEffects);
    const { problems } = await verify({ store, registry }, { patience: 0 });
    expect(new Set(problems.map(({ check }) => check))).toEqual(new Set(['replay']));
  });

  it('lists a parked effect without taking it for a problem', async () => {
    const id = `${'0'.repeat(8)}:1:0`;
    const effect = { type: 'announce', params: null };
    const parked = { job: '00000000', seq: 1, index: 0, type: 'meter', typeVersion: '1', effect };
    const rest = {
      status: 'parked' as const,
      dueAt: new Date(),
      leaseUntil: new Date(0),
      attempts: 10,
    };
    await db
      .collection<EffectRecord>('effects')
      .insertOne({ _id: id, ...parked, ...rest, error: 'no paper' });
    const report = await manager.verify();
    await db.collection<EffectRecord>('effects').deleteOne({ _id: id });
    expect(report).toMatchObject({
      ...clean,
      parked: [{ job: '00000000', seq: 1, effect: 'announce', error: 'no paper' }],
      parkedCount: 1,
    });
  });

  it('reports an effect that should have been done a minute ago, but not one that waits for it', async () => {
    const dueAt = new Date(Date.now() - 61_000);
    const records = [0, 1].map((index) => ({
      _id: `late:1:${index}`,
      job: 'late',
      seq: 1,
      index,
      type: 'meter',
      typeVersion: '1',
      effect: { type: 'announce', params: null },
      status: 'due' as const,
      dueAt,
      // Taken by a process that is at it no longer than a lease.
      leaseUntil: new Date(Date.now() + 60_000),
      attempts: 0,
    }));
    await db.collection<EffectRecord>('effects').insertMany(records);
    const { problems } = await verify(manager.engine, { patience: 0 });
    await db.collection<EffectRecord>('effects').deleteMany({ job: 'late' });
    expect(problems).toEqual([
      {
        job: 'late',
        seq: 1,
        check: 'effects',
        message: `announce is due since ${dueAt.toISOString()}, and was not done`,
      },
    ]);
  });
});

const engineEffects: ReadonlySet<string> = new Set(['clearArchive', 'sendReady']);
