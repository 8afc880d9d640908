import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { testDatabase } from '../support/database.ts';
import { buildJob } from './conformance/builders.ts';
import { useSharedStore } from './conformance/useStore.ts';

const { uri, database } = testDatabase();

describe.each([
  ['in memory', async () => createMemoryStore()],
  [
    'on MongoDB',
    () =>
      openMongoStore({
        mongodb: uri,
        database,
        linkedCollections: ['files'],
        telemetry: new Telemetry(),
      }),
  ],
] as const)('jobs that are said to be new to the store %s', (_, open) => {
  const store = useSharedStore(open);

  it('are stored, beside others that are not new', async () => {
    const [fresh, old] = [buildJob({ seq: 1 }), buildJob({ seq: 1 })];
    await store().project([old], []);
    const moved = { ...old, seq: 2 };
    await store().project([fresh, moved], [], new Set([fresh.id]));
    expect(await store().readJob(fresh.id)).toEqual(fresh);
    expect(await store().readJob(old.id)).toEqual(moved);
  });

  it('move forward where they are not new', async () => {
    const job = buildJob({ seq: 1 });
    await store().project([job], []);
    await store().project([{ ...job, seq: 3 }], [], new Set([job.id]));
    expect(await store().readJob(job.id)).toEqual({ ...job, seq: 3 });
  });

  it('never move back', async () => {
    const job = buildJob({ seq: 3 });
    await store().project([job], []);
    await store().project([{ ...job, seq: 2 }], [], new Set([job.id]));
    expect(await store().readJob(job.id)).toEqual(job);
  });

  it('are not brought back once their life has ended', async () => {
    const job = buildJob({ seq: 1 });
    await store().finishRemoval(job.id, 2);
    await store().project([job], [], new Set([job.id]));
    expect(await store().readJob(job.id)).toBeNull();
  });

  it('end at the newest document where several writers begin them at once', async () => {
    const jobs = Array.from({ length: 50 }, () => buildJob({ seq: 1 }));
    const ids = new Set(jobs.map(({ id }) => id));
    const writes = [2, 1, 3].map((seq) =>
      store().project(
        jobs.map((job) => ({ ...job, seq })),
        [],
        ids,
      ),
    );
    await Promise.all(writes);
    const reached = await Promise.all(jobs.map(({ id }) => store().projectedSeq(id)));
    expect(reached).toEqual(jobs.map(() => 3));
  });
});
