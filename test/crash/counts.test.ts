import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { openEngine } from '../../src/jobs/openEngine.ts';
import { verify } from '../../src/jobs/verify.ts';
import { repairAll, repairLost } from '../../src/maintenance/repairProjection.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import type { Store } from '../../src/store/store.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { withFaultPoints, type FaultPoint } from '../../src/testing/faultPoints.ts';
import { openArena, pipeline, type Arena } from '../support/arena.ts';
import { checkHistory } from '../support/checkHistory.ts';
import { testDatabase } from '../support/database.ts';
import { perform, type Operation } from '../support/operations.ts';
import { readStore } from '../support/rawDatabase.ts';
import { isLong } from '../support/waitUntil.ts';
import { reminderMachine, reportMachine } from './fixtures/crashMachines.ts';

const { uri, database } = testDatabase();
const home = mkdtempSync(join(tmpdir(), 'jobwright-counts-'));
const secrets = `k1:${Buffer.alloc(32, 7).toString('base64')}`;
afterAll(() => rmSync(home, { recursive: true, force: true }));

const setUp = (...names: readonly unknown[]): Operation => ({
  ...{ do: 'setup', type: 'pipelineJob', pipeline, data: { names } },
});
const run = (job: string, key: string): Operation => ({
  ...{ do: 'send', job, key, events: [{ name: 'run' }] },
});

describe('a process that is killed around a commit and its count', () => {
  const points = ['append#1', 'append#2', 'project#1', 'count#1'].flatMap((place) =>
    ['before', 'after'].map((side) => `${side}:${place}`),
  );
  let arena: Arena;
  beforeAll(async () => void (arena = await openArena(uri, `${database.slice(0, 40)}_kill`)));
  afterAll(() => arena.close());

  it(
    'leaves counts that come to what the log does, by whomever they are repaired',
    async () => {
      let killed = 0;
      for (const point of points) {
        const jobs = [1, 2].map((nr) => setUp(point, nr));
        const made = await Promise.all(jobs.map((each) => arena.ask(each)));
        const client = await arena.startClient();
        client.arm(point);
        const first = made.map((each, nr) => [
          ...(each.ok ? [run(each.job, `${point} ${nr}`)] : []),
          setUp(point, 'more', nr),
        ]);
        await client.run(first);
        if ((await client.close()) === null) killed += 1;
        // Both find the same process gone, as does the survivor: none counts what another has.
        const { uri: mongodb, ...options } = arena.options;
        const machines = [reminderMachine, reportMachine('/dev/null')];
        const rescuers = await Promise.all(
          [1, 2].map(() => JobManager.open({ ...options, mongodb, machines, logLevel: 'silent' })),
        );
        await Promise.all(rescuers.map(({ engine }) => repairAll(engine)));
        await Promise.all(rescuers.map((rescuer) => rescuer.close()));
        await arena.settled(20_000);
      }
      expect(killed).toBe(points.length);
      expect(await arena.survivor.verify()).toMatchObject({ ok: true, problems: [] });
    },
    isLong ? 300_000 : 120_000,
  );
});

/** A store of which one call, the next to reach a point, waits there until it is let go. */
function withHolds(store: Store) {
  const held = new Map<
    FaultPoint,
    { readonly gate: Promise<void>; readonly reached: () => void }
  >();
  const holding = withFaultPoints(store, async (point) => {
    const hold = held.get(point);
    held.delete(point);
    hold?.reached();
    await hold?.gate;
  });
  const hold = (point: FaultPoint) => {
    let [release, reached] = [(): void => undefined, (): void => undefined];
    const gate = new Promise<void>((resolve) => (release = resolve));
    const isReached = new Promise<void>((resolve) => (reached = resolve));
    held.set(point, { gate, reached });
    return { isReached, release };
  };
  return { holding, hold };
}

const openStores = {
  'in memory': async () => createMemoryStore(),
  'on MongoDB': async () =>
    openMongoStore({
      mongodb: uri,
      database: `${database.slice(0, 40)}_${(opened += 1)}`,
      linkedCollections: [],
      telemetry: new Telemetry(),
    }),
} as const;
let opened = 0;

describe.each(['in memory', 'on MongoDB'] as const)('a process that sleeps, %s', (place) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  const open = async () => {
    const store = await openStores[place]();
    closing.push(() => store.close());
    const { holding, hold } = withHolds(store);
    const options = { home, secrets, logLevel: 'silent' } as const;
    const sleeper = (await openEngine({ ...options, store: holding })).engine;
    const rescuers = await Promise.all(
      [1, 2].map(async () => (await openEngine({ ...options, store })).engine),
    );
    await store.putPipeline({ id: pipeline, name: '', description: '', metadata: {} }, new Date());
    await store.beat(sleeper.processId, new Date(sleeper.now()));
    /** Takes the sleeper for gone: what it left is counted, and it is forgotten. */
    const repair = async (silence: number): Promise<void> => {
      const readBeats: Store['readBeats'] = async () => {
        const { now, beats } = await store.readBeats();
        const own = beats.filter(({ process }) => process === sleeper.processId);
        return { now: new Date(now.getTime() + silence), beats: own };
      };
      const asGone = rescuers.map((engine) => ({ ...engine, store: { ...store, readBeats } }));
      await Promise.all(asGone.map((engine) => repairLost(engine)));
    };
    const counted = async () => (await readStore(store)).counts;
    const problems = async (): Promise<string[]> => checkHistory(await readStore(store));
    return { store, hold, sleeper, repair, counted, problems };
  };

  it.each([1_000, 60_000])(
    'for %i ms, is counted by others and goes on writing, has each commit in the counts once',
    async (silence) => {
      const { store, hold, sleeper, repair, counted, problems } = await open();
      // It falls asleep with one commit decided and not sent, a later one written and not counted.
      const [append, count] = [hold('before:append'), hold('before:count')];
      const unsent = perform(sleeper, setUp('unsent'));
      await append.isReached;
      expect(await perform(sleeper, setUp('written'))).toMatchObject({ ok: true });
      const flushing = sleeper.projector.flush();
      await count.isReached;
      await repair(silence);
      expect(await counted()).toEqual([inCreated(1)]);
      count.release();
      await flushing;
      expect(await counted()).toEqual([inCreated(1)]);
      append.release();
      expect(await unsent).toMatchObject({ ok: true });
      await perform(sleeper, setUp('awake'));
      await sleeper.projector.flush();
      expect(await counted()).toEqual([inCreated(3)]);
      await repair(60_000);
      expect(await problems()).toEqual([]);
      const report = await verify({ ...sleeper, store }, { patience: 0 });
      expect(report.problems).toEqual([]);
    },
  );

  it('with an answer on its way, finds out that it has counted already', async () => {
    const { hold, sleeper, repair, counted } = await open();
    await perform(sleeper, setUp('first'));
    const answer = hold('after:count');
    const flushing = sleeper.projector.flush();
    await answer.isReached;
    await perform(sleeper, setUp('second'));
    await repair(60_000);
    answer.release();
    await flushing;
    await sleeper.projector.flush();
    expect(await counted()).toEqual([inCreated(2)]);
  });
});

const inCreated = (jobs: number) => ({ type: 'pipelineJob', state: 'CREATED', jobs });
