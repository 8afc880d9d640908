import { MongoClient, type Collection, type Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verify } from '../../src/jobs/verify.ts';
import type { VerifyReport } from '../../src/jobs/verifyReport.ts';
import type { CommitRecord } from '../../src/store/mongo/collections.ts';
import type { Commit } from '../../src/store/store.ts';
import { testDatabase } from '../support/database.ts';
import { openManager, populate, type VerifiedManager } from './population.ts';
import { seededRandom } from './seededRandom.ts';
import { tamperings, type OpenCommit } from './tamper.ts';

/** A record of any collection; the driver types no filter by an `_id` of unknown type. */
type Raw = { _id: never; [field: string]: unknown };
type Document = { _id: string; [field: string]: unknown };

describe('a database that somebody has changed', () => {
  const { uri, database } = testDatabase();
  let manager: VerifiedManager;
  let client: MongoClient;
  let db: Db;
  const jobs = (): Collection<Document> => db.collection('jobs');

  beforeAll(async () => {
    manager = await openManager({ mongodb: uri, database });
    await populate(manager, 2);
    client = await MongoClient.connect(uri);
    db = client.db(database);
  });
  afterAll(() => client.close());

  const check = (job?: string): Promise<VerifyReport> =>
    verify(manager.engine, { job, patience: 0 });

  /** Puts everything back as it was. */
  const undoing = async <Result>(
    names: readonly string[],
    work: () => Promise<Result>,
  ): Promise<Result> => {
    const before = new Map<string, Raw[]>();
    for (const name of names) before.set(name, await db.collection<Raw>(name).find().toArray());
    try {
      return await work();
    } finally {
      for (const [name, records] of before) {
        await db.collection(name).deleteMany({});
        if (records.length > 0) await db.collection<Raw>(name).insertMany(records);
      }
    }
  };

  /** Job ids with a document, and those that were deleted. */
  const idsOf = async () => {
    const live = (await jobs().find().toArray()).map(({ _id }) => _id).sort();
    const logs = (await db.collection<CommitRecord>('commits').distinct('_id.job')) as string[];
    return { live, deleted: logs.filter((id) => !live.includes(id)).sort() };
  };

  it('shows every one of 80 random changes of its log', async () => {
    const kinds = Object.keys(tamperings);
    const missed: string[] = [];
    const commits = db.collection<Raw>('commits');
    await undoing(['commits'], async () => {
      const before = await commits.find().sort({ _id: 1 }).toArray();
      let done = 0;
      for (let seed = 1; done < 80; seed += 1) {
        const kind = kinds[seed % kinds.length] ?? '';
        const log = before.map((record) => toCommit(structuredClone(record)));
        if (!tamperings[kind]?.(log, seededRandom(seed))) continue;
        const changed = log.map(toRecord);
        // Two commits in one place cannot even be written.
        if (new Set(changed.map(({ _id }) => JSON.stringify(_id))).size < changed.length) continue;
        done += 1;
        await replace(commits, before, changed);
        if ((await check()).ok) missed.push(`${kind} (seed ${seed})`);
        await replace(commits, changed, before);
      }
    });
    expect(missed).toEqual([]);
    expect((await check()).problems).toEqual([]);
  });

  it('shows the end of a log that was cut off', async () => {
    const { live } = await idsOf();
    for (const job of live.slice(0, 4)) {
      const { problems } = await undoing(['commits'], async () => {
        const last = await manager.engine.store.readHead(job);
        await db.collection<Raw>('commits').deleteOne({ _id: { job, seq: last?.seq } });
        return check();
      });
      expect(problems.map(({ job: id, check: kind }) => [id, kind])).toEqual([[job, 'projection']]);
    }
  });

  it('shows every field of a stored job that was changed, added or taken away', async () => {
    const { live } = await idsOf();
    const missed: string[] = [];
    for (const [index, _id] of live.entries()) {
      const stored = await jobs().findOne({ _id });
      // `linkedIds` only repeats the links for an index.
      const fields = Object.keys(stored ?? {}).filter(
        (field) => !['_id', 'linkedIds'].includes(field),
      );
      for (const field of fields.filter((_, place) => (place + index) % 3 === 0)) {
        const report = await undoing(['jobs'], async () => {
          await jobs().updateOne({ _id }, { $set: { [field]: otherValue(stored?.[field]) } });
          return check(_id);
        });
        if (report.ok) missed.push(`${field} of ${_id}`);
      }
    }
    const [_id = ''] = live;
    for (const change of [
      { $set: { note: 1 } },
      { $unset: { links: 1 } },
      { $set: { 'snapshot.context': { a: 1 } } },
    ] as const) {
      const report = await undoing(['jobs'], async () => {
        await jobs().updateOne({ _id }, change);
        return check();
      });
      if (report.ok) missed.push(JSON.stringify(change));
    }
    expect(missed).toEqual([]);
  });

  it('shows a stored job without a log, and a log without its stored job', async () => {
    const { live } = await idsOf();
    const [first = '', second = ''] = live;
    const { problems } = await undoing(['jobs', 'commits'], async () => {
      const stored = await jobs().findOne({ _id: first });
      if (stored) await jobs().insertOne({ ...stored, _id: 'invented' });
      await jobs().deleteOne({ _id: first });
      await db.collection<CommitRecord>('commits').deleteMany({ '_id.job': second });
      return check();
    });
    expect(problems).toEqual(
      expect.arrayContaining([
        { job: 'invented', check: 'projection', message: 'the job is stored, but has no log' },
        { job: second, check: 'projection', message: 'the job is stored, but has no log' },
        expect.objectContaining({
          job: first,
          check: 'projection',
          message: 'the job is not stored',
        }),
      ]),
    );
    expect(problems).toHaveLength(3);
  });

  it('shows links to a deleted job, in any field of any linked document', async () => {
    const { deleted } = await idsOf();
    expect(deleted.length).toBeGreaterThan(1);
    for (const [collection, field] of [
      ['samples', 'generated_by'],
      ['files', 'acted_on'],
      ['experiments', 'connects_to'],
    ] as const) {
      for (const job of deleted) {
        const { problems } = await undoing([collection], async () => {
          await db.collection<Document>(collection).insertOne({ _id: 'dangling', [field]: [job] });
          return check();
        });
        expect(problems.map((problem) => [problem.job, problem.check])).toEqual([[job, 'links']]);
      }
    }
  });

  it('shows a deleted job that was put back', async () => {
    const { live, deleted } = await idsOf();
    const [gone = ''] = deleted;
    const { problems } = await undoing(['jobs'], async () => {
      const stored = await jobs().findOne({ _id: live[0] ?? '' });
      if (stored) await jobs().insertOne({ ...stored, _id: gone, seq: 1 });
      return check();
    });
    expect(problems).toContainEqual(
      expect.objectContaining({
        job: gone,
        check: 'projection',
        message: 'the job was deleted, but is stored',
      }),
    );
  });

  it('shows a deletion whose end was undone', async () => {
    const { deleted } = await idsOf();
    const { problems } = await undoing(['tombstones'], async () => {
      await db.collection('tombstones').deleteMany({});
      return check();
    });
    expect(
      problems
        .filter((problem) => problem.check === 'effects')
        .map(({ job }) => job)
        .sort(),
    ).toEqual(deleted);
  });

  it('shows an effect that is neither due nor done', async () => {
    const effects = db.collection<Document>('effects');
    const all = await effects.find().toArray();
    expect(all.length).toBeGreaterThan(5);
    for (const { _id, job } of all.slice(0, 5)) {
      const { problems } = await undoing(['effects'], async () => {
        await effects.deleteOne({ _id });
        return check();
      });
      expect(problems).toEqual([
        expect.objectContaining({ job, check: 'effects', message: `effect ${_id} is lost` }),
      ]);
    }
  });

  it('shows what is wrong through thousands of jobs without listing all of it', async () => {
    const records = Array.from({ length: 1_500 }, (_, nr) => ({ _id: `invented-${nr}`, seq: 1 }));
    const report = await undoing(['jobs'], async () => {
      await jobs().insertMany(records);
      return check();
    });
    expect(report).toMatchObject({ ok: false, problemCount: 1_500 });
    expect(report.problems).toHaveLength(1_000);
  });

  it('is told about as it was, once everything is put back', async () => {
    expect((await manager.verify()).problems).toEqual([]);
  });
});

async function replace(
  commits: Collection<Raw>,
  from: readonly Raw[],
  to: readonly Raw[],
): Promise<void> {
  const before = new Map(
    from.map((record) => [JSON.stringify(record._id), JSON.stringify(record)]),
  );
  const after = new Map(to.map((record) => [JSON.stringify(record._id), JSON.stringify(record)]));
  const gone = from.filter(({ _id }) => !after.has(JSON.stringify(_id)));
  const changed = to.filter(
    (record) => before.get(JSON.stringify(record._id)) !== JSON.stringify(record),
  );
  for (const { _id } of gone) await commits.deleteOne({ _id });
  for (const { _id, ...rest } of changed) {
    await commits.replaceOne({ _id }, rest, { upsert: true });
  }
}

const toCommit = ({ _id, ...rest }: Raw): OpenCommit =>
  ({ ...(_id as Pick<Commit, 'job' | 'seq'>), ...rest }) as unknown as OpenCommit;

/** As somebody with a shell would write it: the keys stand in a list for an index. */
const toRecord = ({ job, seq, ...rest }: OpenCommit): Raw => ({
  _id: { job, seq } as never,
  ...rest,
});

function otherValue(value: unknown): unknown {
  if (typeof value === 'string') return `${value}x`;
  if (typeof value === 'number') return value + 1;
  if (value instanceof Date) return new Date(value.getTime() + 1);
  if (Array.isArray(value)) return [...(value as unknown[]), 'x'];
  return { ...(value as object), extra: true };
}
