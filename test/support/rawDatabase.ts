import type { Db, Filter } from 'mongodb';
import type { CountRecord } from '../../src/store/mongo/collections.ts';
import { toCounts } from '../../src/store/mongo/countKeys.ts';
import {
  linkFields,
  type Commit,
  type EffectTask,
  type JobDocument,
  type StateCount,
  type Store,
} from '../../src/store/store.ts';

/** Everything that a database holds about jobs, read without the engine's help. */
export interface RawDatabase {
  /** By job, then seq. */
  readonly commits: readonly Commit[];
  readonly jobs: ReadonlyMap<string, JobDocument>;
  readonly effects: ReadonlyMap<string, Pick<EffectTask, 'status' | 'error'>>;
  /** Job → up to which seq its removal is finished. */
  readonly removed: ReadonlyMap<string, number>;
  /** Ids that stand in link fields of documents → where. */
  readonly linked: ReadonlyMap<string, string>;
  /** Absent where only one job was read. */
  readonly counts?: readonly StateCount[];
}

type Raw = Record<string, unknown>;

/** Reads a database, or what it holds about one job, through the driver, all with majority concern. */
export async function readDatabase(
  db: Db,
  { job, linkedCollections = ['files', 'samples'] }: ReadOptions = {},
): Promise<RawDatabase> {
  const all = (name: string, filter: Filter<Raw> = {}): Promise<Raw[]> =>
    db
      .collection<Raw>(name, { readConcern: { level: 'majority' } })
      .find(filter)
      .toArray();
  const own = job === undefined ? {} : { _id: { $eq: job } };
  const [commits, jobs, effects, removed, counts] = await Promise.all([
    all('commits', job === undefined ? {} : { '_id.job': job }),
    all('jobs', own as Filter<Raw>),
    all('effects', job === undefined ? {} : { job }),
    all('tombstones', own as Filter<Raw>),
    job === undefined ? all('counts') : undefined,
  ]);
  const linked = new Map<string, string>();
  for (const name of linkedCollections) {
    for (const document of await all(name)) noteLinks(linked, name, document);
  }
  return {
    commits: commits.map(toCommit).sort(byPlace),
    jobs: new Map(jobs.map((record) => [record['_id'] as string, toJob(record)])),
    effects: new Map(effects.map((each) => [each['_id'] as string, each as unknown as EffectTask])),
    removed: new Map(removed.map(({ _id, seq }) => [_id as string, seq as number])),
    linked,
    ...(counts && { counts: toCounts(counts as unknown as CountRecord[]) }),
  };
}

export interface ReadOptions {
  readonly job?: string;
  readonly linkedCollections?: readonly string[];
}

/** Reads a store through its contract; links of documents are not looked at. */
export async function readStore(store: Store): Promise<RawDatabase> {
  const commits = await collect(store.scanCommits());
  const jobs = await collect(store.scanJobs());
  const effects = await collect(store.scanEffects({}));
  const removed = new Map<string, number>();
  for (const { job, entries } of commits) {
    if (entries.at(-1)?.operation === 'remove') removed.set(job, await store.projectedSeq(job));
  }
  return {
    commits: commits.sort(byPlace),
    jobs: new Map(jobs.map((job) => [job.id, job])),
    effects: new Map(effects.map((effect) => [effect.id, effect])),
    removed,
    linked: new Map(),
    counts: await store.readCounts(),
  };
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const toJob = ({ _id, linkedIds: _ids, ...rest }: Raw): JobDocument =>
  ({ id: _id, ...rest }) as unknown as JobDocument;

function toCommit({ _id, keys: _keys, ...rest }: Raw): Commit {
  return { ...(_id as { job: string; seq: number }), ...rest } as unknown as Commit;
}

const byPlace = (one: Commit, other: Commit): number =>
  (one.job < other.job ? -1 : one.job > other.job ? 1 : 0) || one.seq - other.seq;

function noteLinks(linked: Map<string, string>, collection: string, document: Raw): void {
  for (const field of linkFields) {
    const ids = Array.isArray(document[field]) ? (document[field] as string[]) : [];
    for (const id of ids) linked.set(id, `${collection}/${String(document['_id'])}.${field}`);
  }
}
