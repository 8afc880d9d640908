import { setMaxListeners } from 'node:events';
import { InvalidData, StreamOverflow, type JobManager } from 'jobwright';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { EntryWatch } from '../../src/jobs/entryFeed.ts';
import type { EntryFilter, FollowedEntry } from '../../src/jobs/entryFollower.ts';
import { watchEntries } from '../../src/jobs/watchEntries.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { historyOf, useWorld, type PipelineJobHandle } from '../scenarios/world.ts';
import { waitUntil } from '../support/waitUntil.ts';

const world = useWorld();
let other: JobManager;
let stop = new AbortController();
const otherPipeline = '5d1b6c1e-0d0f-5a86-9a4b-7e6f6d0a1b2c';

beforeAll(async () => {
  other = await world.open();
  await world.manager.pipelines.put(otherPipeline);
});
afterEach(() => {
  stop.abort();
  stop = new AbortController();
  // Nobody follows any more, and nothing is left open.
  for (const { engine } of [world.manager, other]) {
    expect([engine.feed.followers, engine.feed.isOpen]).toEqual([0, false]);
  }
});

function follow(filter: EntryFilter = {}, after?: string, manager = other): Promise<EntryWatch> {
  setMaxListeners(100, stop.signal);
  return watchEntries(manager.engine, filter, { after, signal: stop.signal });
}

type Followed = Extract<FollowedEntry, { entry: object }>;

/** The next entries of a watch, which then goes on; fails on a gap. */
async function take(watch: EntryWatch, count: number): Promise<Followed[]> {
  const items = watch[Symbol.asyncIterator]();
  const taken: Followed[] = [];
  while (taken.length < count) {
    const { value, done } = (await items.next()) as IteratorResult<FollowedEntry, undefined>;
    if (done || 'gap' in value) throw new Error(done ? 'the end' : 'a gap');
    taken.push(value);
  }
  return taken;
}

const shown = (items: readonly Followed[]): string =>
  items.map(({ entry: { seq, name } }) => `${seq}:${name}`).join(' ');

describe('watchEntries', () => {
  it('gives what another process accepts as its history has it, in order', async () => {
    const watch = await follow();
    const job = await world.newJob();
    await job.run({ percent: 0 }).update().finish();
    await job.index();
    const entries = (await take(watch, 5)).map(({ entry }) => entry);
    const history = await historyOf(job);
    expect(entries).toEqual(
      history.map((entry) => ({ ...entry, jobId: job.id, type: 'pipelineJob' })),
    );
  });

  it('goes on after any entry, also in the middle of a chain and in another process', async () => {
    const watch = await follow();
    const job = await world.newJob();
    await job.run().update().update().finish();
    await job.index();
    const seen = await take(watch, 6);
    stop.abort();
    stop = new AbortController();
    const all = '1:create 2:run 3:update 4:update 5:finish 6:index';
    expect(shown(seen)).toBe(all);
    const starts = [watch.start, ...seen.map(({ position }) => position)];
    expect(new Set(starts).size).toBe(7);
    await job.indexed();
    for (const manager of [world.manager, other]) {
      for (const [count, after] of starts.entries()) {
        const rest = `${all} 7:indexed`.split(' ').slice(count);
        expect(shown(await take(await follow({}, after, manager), rest.length))).toBe(
          rest.join(' '),
        );
      }
    }
  });

  it('goes on without a new watch where the process still remembers', async () => {
    const watch = await follow();
    const job = await world.newJob();
    await job.run().update().finish();
    const seen = await take(watch, 4);
    const opened = await countStreams();
    const late = await follow({}, seen[1]?.position);
    expect(await countStreams()).toBe(opened);
    expect(shown(await take(late, 2))).toBe('3:update 4:finish');
    await job.index();
    expect(shown(await take(await follow({}, seen[3]?.position), 1))).toBe('5:index');
  });

  it('leaves its own watch for the shared one once it has caught up', async () => {
    const first = await follow();
    const job = await world.newJob();
    await take(first, 1);
    stop.abort();
    stop = new AbortController();
    await job.run();
    const late = (await follow({}, first.start))[Symbol.asyncIterator]();
    expect(await countStreams()).toBe(2);
    for (const name of ['create', 'run']) {
      expect(await late.next()).toMatchObject({ value: { entry: { name } } });
    }
    const next = late.next();
    await waitUntil(
      'one is left',
      async () => ((await countStreams()) === 1 ? true : 'two'),
      5_000,
    );
    await job.finish();
    expect(await next).toMatchObject({ value: { entry: { name: 'finish', seq: 3 } } });
  });

  it('gives no more than its filter wants, and goes on after what it left out', async () => {
    const filters = {
      type: { type: 'pipelineJob' },
      noType: { type: 'other' },
      state: { state: 'RUNNING' },
      pipeline: { pipeline: otherPipeline },
      tag: { tag: 'wanted' },
    };
    const watches = await Promise.all(
      Object.entries(filters).map(async ([name, filter]) => [name, await follow(filter)] as const),
    );
    const job = await world.newJob();
    const tagged = await world.newJob({ tags: ['wanted'], pipeline: otherPipeline });
    const ofJob = await follow({ job: job.id, state: 'RUNNING' }, watches[0]?.[1].start);
    await job.run().update();
    await tagged.fail();
    await tagged.delete({ token: world.adminToken, reason: 'over' });
    const expected = {
      type: '1:create 1:create 2:run 3:update 2:fail 3:delete',
      state: '2:run 3:update',
      pipeline: '1:create 2:fail 3:delete',
      tag: '1:create 2:fail 3:delete',
    };
    for (const [name, watch] of watches) {
      if (name === 'noType') continue;
      const text = expected[name as keyof typeof expected];
      expect([name, shown(await take(watch, text.split(' ').length))]).toEqual([name, text]);
    }
    expect(shown(await take(ofJob, 2))).toBe('2:run 3:update');
    // Of a job whose creation went by before, and that is gone.
    const early = await follow({ tag: 'gone' });
    const gone = await world.newJob({ tags: ['gone'] });
    await take(early, 1);
    const watch = await follow({ tag: 'gone' });
    await gone.cancel();
    expect(shown(await take(watch, 1))).toBe('2:cancel');
  });

  it('tells of a gap where the database no longer has the place, and goes on from now', async () => {
    const watch = await follow();
    await world.newJob();
    const [seen] = await take(watch, 1);
    const after = `82${'00000001'.repeat(2)}${seen?.position.slice(18)}`;
    const items = (await follow({ state: 'RUNNING' }, after))[Symbol.asyncIterator]();
    const { value: gap } = (await items.next()) as { value: FollowedEntry };
    expect(gap).toEqual({
      position: expect.stringMatching(/^82[0-9a-f]+\.0$/) as string,
      gap: true,
    });
    const job = await world.newJob();
    await job.run();
    expect(await items.next()).toMatchObject({ value: { entry: { jobId: job.id, name: 'run' } } });
    const again = await follow({}, gap.position);
    expect(shown(await take(again, 2))).toBe('1:create 2:run');
  });

  it('works on a store in memory as well', async () => {
    const manager = await world.open({ store: createMemoryStore() });
    await manager.pipelines.put('weather');
    const watch = await follow({ tag: 'wet' }, undefined, manager);
    const set = (tags: string[]) =>
      manager.setup('pipelineJob', { pipeline: 'weather', tags, data: { tags } });
    await (await set(['dry'])).run();
    await (await set(['wet'])).run().update().finish();
    const seen = await take(watch, 4);
    expect(shown(seen)).toBe('1:create 2:run 3:update 4:finish');
    stop.abort();
    stop = new AbortController();
    for (const [count, { position }] of seen.slice(0, 3).entries()) {
      const rest = await take(await follow({ tag: 'wet' }, position, manager), 3 - count);
      expect(rest).toEqual(seen.slice(count + 1));
    }
  });

  it('ends where it is aborted, waiting or not', async () => {
    const waiting = (await follow())[Symbol.asyncIterator]();
    const next = waiting.next();
    const unread = await follow();
    await world.newJob();
    expect(await next).toMatchObject({ value: { entry: { name: 'create' } } });
    const last = waiting.next();
    stop.abort();
    expect(await last).toEqual({ value: undefined, done: true });
    expect(await unread[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true });
    expect(await (await follow())[Symbol.asyncIterator]().next()).toMatchObject({ done: true });
  });

  it('cuts off a reader who does not read, and nobody else', async () => {
    const idle = await follow();
    const reading = await follow();
    const job = await world.newJob();
    const taken = take(reading, 1 + 1_200);
    for (let chain = 0; chain < 4; chain += 1) {
      await job.sendAll(Array.from({ length: 300 }, () => ({ name: 'update' })));
    }
    expect(await taken).toHaveLength(1_201);
    expect(idle.ended.reason).toBeInstanceOf(StreamOverflow);
    await expect(take(idle, 1)).rejects.toThrow(StreamOverflow);
    expect(reading.ended.aborted).toBe(false);
    expect(other.engine.feed.followers).toBe(1);
    // Where it left off it may go on.
    const again = await follow({}, idle.start);
    expect((await take(again, 1_201)).map(({ entry }) => entry.seq)).toEqual(
      Array.from({ length: 1_201 }, (_each, index) => index + 1),
    );
  });

  it.each(['', 'x', 'x.1', '82', '8200.0', 'ff'.repeat(40) + '.0', `${'a'.repeat(9_000)}.0`])(
    'refuses the position %j',
    async (after) => {
      await expect(follow({}, after)).rejects.toThrow(InvalidData);
      await expect(follow({}, after)).rejects.toMatchObject({ issues: [{ path: 'after' }] });
    },
  );

  it('refuses a filter that says what it does not know', async () => {
    const filter = { colour: 'red', tag: 1 } as unknown as EntryFilter;
    await expect(follow(filter)).rejects.toThrow(InvalidData);
  });

  it('ends with its manager', async () => {
    const closing = await world.open({ background: false });
    const { start, ...unread } = await follow({}, undefined, closing);
    const waiting = (await follow({}, undefined, closing))[Symbol.asyncIterator]().next();
    await closing.close();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(unread.ended.aborted).toBe(true);
    expect(closing.engine.feed.followers).toBe(0);
    await expect(follow({}, start, closing)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('misses nothing and doubles nothing while many write and followers come and go', async () => {
    const steady = await follow();
    const jobs: PipelineJobHandle[] = [];
    for (let count = 0; count < 20; count += 1) jobs.push(await world.newJob());
    const total = 20 + 2_000;
    const coming = readInPieces(steady.start, total);
    const all = take(steady, total);
    await Promise.all(
      jobs.flatMap((job) =>
        [world.manager, other].map(async (manager) => {
          const own = await manager.job(job.id);
          for (let round = 0; round < 25; round += 1) await own.update({ round }).update();
        }),
      ),
    );
    for (const items of [await all, await coming]) {
      for (const job of jobs) {
        const own = items.filter(({ entry }) => entry.jobId === job.id);
        expect(own.map(({ entry }) => entry.seq)).toEqual(
          Array.from({ length: 101 }, (_each, index) => index + 1),
        );
      }
    }
  });
});

/** Reads so many entries in pieces of odd lengths, each by a new follower, of one process or the other. */
async function readInPieces(start: string, total: number): Promise<Followed[]> {
  const items: Followed[] = [];
  let after = start;
  for (let piece = 1; items.length < total; piece += 1) {
    const manager = piece % 2 ? world.manager : other;
    const leaving = new AbortController();
    const watch = await watchEntries(manager.engine, {}, { after, signal: leaving.signal });
    items.push(...(await take(watch, Math.min(37 * piece, total - items.length))));
    leaving.abort();
    after = items.at(-1)?.position ?? after;
  }
  return items;
}

/** How many change streams the server has open on this database. */
async function countStreams(): Promise<number> {
  const admin = world.db.client.db('admin');
  const cursors = await admin
    .aggregate([
      { $currentOp: { idleCursors: true, allUsers: true } },
      { $match: { ns: `${world.db.databaseName}.commits`, 'cursor.tailable': true } },
    ])
    .toArray();
  return cursors.length;
}
