import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type CommandStartedEvent, type Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { clientOptions } from '../../src/store/mongo/collections.ts';
import { testDatabase } from '../support/database.ts';

/** As docs/scaling.md shards them. All commits of a job are on one shard, and so is its document. */
const shardKeys: Readonly<Record<string, string>> = { commits: '_id.job', jobs: '_id' };

/** A command to a sharded collection, and whether a router can send it, or each of its parts, to one shard. */
interface Asked {
  readonly collection: string;
  readonly command: string;
  readonly reaches: 'one shard' | 'all shards';
}

const { uri, database } = testDatabase();
const home = join(tmpdir(), `jobwright-shards-${randomBytes(6).toString('hex')}`);
const secrets = `k1:${randomBytes(32).toString('base64')}`;
let client: MongoClient;
let asked: Asked[] = [];
/** Both ask through the client that is listened to; neither does anything in the background. */
let managers: readonly JobManager[];

beforeAll(async () => {
  client = new MongoClient(uri, { ...clientOptions, monitorCommands: true });
  await client.connect();
  client.on('commandStarted', (event: CommandStartedEvent) => {
    const command = event.command;
    const collection: unknown = command[event.commandName];
    const key = typeof collection === 'string' ? shardKeys[collection] : undefined;
    if (key === undefined || event.databaseName !== database) return;
    if (['createIndexes', 'listIndexes', 'create'].includes(event.commandName)) return;
    const reaches = partsOf(command).every((part) => namesValue(part, key))
      ? 'one shard'
      : 'all shards';
    asked.push({ collection: String(collection), command: event.commandName, reaches });
  });
  const open = (): Promise<JobManager> =>
    JobManager.open({
      ...{ mongodb: client, database, home, secrets },
      ...{ linkedCollections: [], background: false, logLevel: 'silent' },
    });
  managers = [await open(), await open()];
  await managers[0]?.pipelines.put('line', { name: 'line' });
});
afterAll(async () => {
  for (const manager of managers) await manager.close();
  await client.close();
  await rm(home, { recursive: true, force: true });
});

/** Each document or condition that a command carries: the router looks at every one by itself. */
function partsOf(command: Document): readonly Document[] {
  const pipeline = command['pipeline'] as Document[] | undefined;
  const inserted = command['documents'] as Document[] | undefined;
  const changed = (command['updates'] ?? command['deletes']) as { q: Document }[] | undefined;
  if (inserted) return inserted;
  if (changed) return changed.map(({ q }) => q);
  if (pipeline) return [(pipeline[0]?.['$match'] ?? {}) as Document];
  return [(command['filter'] ?? command['query'] ?? {}) as Document];
}

/**
 * Whether a condition or a document names one value for a path: by equality of the path itself, or of a
 * whole value above it. A range or a list of several values does not.
 */
function namesValue(condition: Document, path: string): boolean {
  const inAll = (condition['$and'] ?? []) as Document[];
  if (inAll.some((each) => namesValue(each, path))) return true;
  return Object.entries(condition).some(([field, value]: [string, unknown]) => {
    const wanted = equalTo(value);
    if (wanted === undefined) return false;
    if (field === path) return true;
    return path.startsWith(`${field}.`) && holds(wanted, path.slice(field.length + 1));
  });
}

function equalTo(value: unknown): unknown {
  if (!isPlain(value)) return value instanceof RegExp ? undefined : value;
  if ('$eq' in value) return value['$eq'];
  const listed: unknown = value['$in'];
  if (Array.isArray(listed) && listed.length === 1) return listed[0] as unknown;
  return Object.keys(value).some((key) => key.startsWith('$')) ? undefined : value;
}

const holds = (value: unknown, path: string): boolean =>
  isPlain(value) && Object.hasOwn(value, path);

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** What was asked of the sharded collections meanwhile. */
async function listenTo(work: () => Promise<unknown>): Promise<readonly Asked[]> {
  await Promise.all(managers.map(({ engine }) => engine.projector.flush()));
  asked = [];
  await work();
  await Promise.all(managers.map(({ engine }) => engine.projector.flush()));
  return asked;
}

const scattered = (commands: readonly Asked[]): readonly Asked[] =>
  commands.filter(({ reaches }) => reaches !== 'one shard');

const told = (commands: readonly Asked[]): readonly string[] =>
  [...new Set(commands.map(({ collection, command }) => `${command} ${collection}`))].sort();

const newJob = async (name: string) => {
  const job = await managers[0]?.setup('pipelineJob', { pipeline: 'line', data: { name } });
  if (!job) throw new Error('no manager is open');
  return job;
};

describe('the shard keys', () => {
  it('are those of the documentation', async () => {
    const text = await readFile(new URL('../../docs/scaling.md', import.meta.url), 'utf8');
    for (const [collection, key] of Object.entries(shardKeys)) {
      expect(text).toMatch(
        new RegExp(
          `shardCollection\\("jobwright\\.${collection}", \\{ "?${key}"?: "hashed" \\}\\)`,
        ),
      );
    }
  });

  // "Uniqueness can't be maintained unless shard key is a prefix": MongoDB manual, Shard Key Indexes. Names
  // are compared, so a hashed key counts. `_id` is exempt from that, but then unique on each shard only:
  // that is enough where the key is `_id` or a part of it, as equal ids then meet on one shard.
  it.each(Object.entries(shardKeys))(
    'begin each unique index of %s, or stand within its id',
    async (collection, key) => {
      const indexes = await client.db(database).collection(collection).indexes();
      const unique = indexes.filter(({ unique: isUnique, name }) => isUnique || name === '_id_');
      expect(unique.map(({ name }) => name)).toContain('_id_');
      for (const { name = '', key: fields } of unique) {
        const [first = ''] = Object.keys(fields);
        const isBegun = first === key || (first === '_id' && key.startsWith('_id.'));
        expect(isBegun, `${collection}.${name} on ${JSON.stringify(fields)}`).toBe(true);
      }
    },
  );

  it('can be hashed: no document has a list there', async () => {
    await newJob('hashed');
    await managers[0]?.engine.projector.flush();
    for (const [collection, key] of Object.entries(shardKeys)) {
      const documents = client.db(database).collection(collection);
      const name = await documents.createIndex({ [key]: 'hashed' });
      expect(await documents.countDocuments({ [key]: { $exists: false } })).toBe(0);
      await documents.dropIndex(name);
    }
  });
});

describe('the path of an event', () => {
  it('names the shard key in all that is asked for a set-up and its projection', async () => {
    const commands = await listenTo(() => newJob('set-up'));
    expect(told(commands)).toEqual(['insert commits', 'insert jobs']);
    expect(scattered(commands)).toEqual([]);
  });

  it('names it for an event to a job that is at hand', async () => {
    const job = await newJob('at hand');
    const commands = await listenTo(() => job.sendAll([{ name: 'run' }], { key: 'run-1' }));
    expect(told(commands)).toEqual(['insert commits', 'update jobs']);
    expect(scattered(commands)).toEqual([]);
  });

  it('names it for a job that has to be loaded, for its history and for a refusal', async () => {
    const { id } = await newJob('loaded');
    const commands = await listenTo(async () => {
      const job = await managers[1]?.job(id);
      await job?.history();
      await job?.history({ after: 1 });
      managers[1]?.engine.live.forget(id);
      await job?.sendAll([{ name: 'run' }]);
      await expect(job?.sendAll([{ name: 'index' }])).rejects.toThrow('Cannot transition');
    });
    expect(told(commands)).toEqual(['find commits', 'find jobs', 'insert commits', 'update jobs']);
    expect(scattered(commands)).toEqual([]);
  });

  it('names it where a key is repeated', async () => {
    const job = await newJob('repeated');
    await job.sendAll([{ name: 'run' }], { key: 'run-1' });
    const commands = await listenTo(() => job.sendAll([{ name: 'run' }], { key: 'run-1' }));
    expect(told(commands)).toEqual(['find commits', 'insert commits']);
    expect(scattered(commands)).toEqual([]);
  });

  it('names it where another process was first, and the outcome is looked up', async () => {
    const job = await newJob('raced');
    const other = await managers[1]?.job(job.id);
    await other?.sendAll([{ name: 'run' }]);
    const commands = await listenTo(() => job.sendAll([{ name: 'update' }]));
    expect(commands.filter(({ command }) => command === 'insert').length).toBeGreaterThan(1);
    expect(scattered(commands)).toEqual([]);
  });
});

describe('what asks every shard', () => {
  it('is lists, counts, timers, repair, links and the whole log, and nothing else', async () => {
    const [manager] = managers;
    if (!manager) throw new Error('no manager is open');
    const { store } = manager.engine;
    const { id } = await newJob('scattered');
    const reading = async (items: AsyncIterable<unknown>): Promise<void> => {
      for await (const item of items) expect(item).toBeDefined();
    };
    const work: Readonly<Record<string, () => Promise<unknown>>> = {
      'list of jobs': () => manager.list({ state: 'CREATED' }),
      'count of jobs': () => store.countJobs({ type: 'pipelineJob' }),
      'timers that are due': () => store.dueTimers(new Date(), 10),
      'repair after another process': () =>
        reading(store.scanCommitsOf('another', new Date(Date.now() - 60_000))),
      'jobs that link to another': () => store.jobsLinkingTo(id, 10),
      'links that are counted': () => store.countLinks(id),
      'verify of everything': () => reading(store.scanCommits()),
      'jobs one by one': () => reading(store.scanJobs()),
      'one job: its log': () => reading(store.scanCommits({ job: id })),
      'one job: its document': () => reading(store.scanJobs({ job: id })),
      'one job: how far it is projected': () => store.projectedSeq(id),
      'one job: its newest commit': () => store.readHead(id),
      'one job: what a deletion leaves of it': () => store.redact(id, 1),
      'one job: the end of its document': () => store.finishRemoval(id, 0),
    };
    const reached: Record<string, string> = {};
    for (const [name, each] of Object.entries(work)) {
      const commands = await listenTo(each);
      expect(commands.length, name).toBeGreaterThan(0);
      reached[name] = scattered(commands).length > 0 ? 'all shards' : 'one shard';
    }
    console.info('shards reached:', reached);
    for (const [name, reaches] of Object.entries(reached)) {
      expect([name, reaches]).toEqual([
        name,
        name.startsWith('one job') ? 'one shard' : 'all shards',
      ]);
    }
  });
});
