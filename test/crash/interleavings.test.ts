import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { JobError } from '../../src/errors.ts';
import type { Engine } from '../../src/jobs/engine.ts';
import { openEngine } from '../../src/jobs/openEngine.ts';
import type { Demand } from '../../src/jobs/request.ts';
import { sendEvents } from '../../src/jobs/sendEvents.ts';
import { beat, repairLost } from '../../src/maintenance/repairProjection.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import type { Store } from '../../src/store/store.ts';
import { withFaultPoints } from '../../src/testing/faultPoints.ts';
import { checkHistory, type LoggedRequest } from '../support/checkHistory.ts';
import { admin } from '../support/operations.ts';
import { readStore } from '../support/rawDatabase.ts';
import { isLong } from '../support/waitUntil.ts';
import { reportMachine } from './fixtures/crashMachines.ts';

const home = mkdtempSync(join(tmpdir(), 'jobwright-interleavings-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const machines = [reportMachine('/dev/null')];
const secrets = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

type Place = 0 | 1;
interface Life {
  readonly do: 'create' | 'remove';
  readonly job: Place;
}
interface Send {
  readonly do: 'send';
  readonly job: Place;
  readonly name: string;
  readonly isKeyShared: boolean;
}
interface Duty {
  readonly do: 'beat' | 'flush' | 'effects';
}
/** One request of a caller, or a duty. */
type Step = Life | Send | Duty;

const job = fc.constantFrom<Place[]>(0, 1);
const send = (place: Place, ...names: string[]) =>
  fc.record({
    do: fc.constant('send' as const),
    job: fc.constant(place),
    name: fc.constantFrom(...names),
    isKeyShared: fc.boolean(),
  });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('create' as const), job }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), job }) },
  { weight: 6, arbitrary: send(0, 'run', 'update', 'update', 'resource', 'fail', 'reset') },
  { weight: 2, arbitrary: send(1, 'publish') },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom<Duty['do'][]>('beat', 'flush', 'effects') }),
  },
);

/** A process: what its callers do, how wrong its clock is, and at which of its store calls it dies. */
const processes = fc.array(
  fc.record({
    callers: fc.array(fc.array(step, { minLength: 2, maxLength: 5 }), {
      minLength: 1,
      maxLength: 2,
    }),
    clockError: fc.integer({ min: -5_000, max: 5_000 }),
    diesAt: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 60 })),
  }),
  { minLength: 2, maxLength: 3 },
);
type ProcessPlan = typeof processes extends fc.Arbitrary<(infer Plan)[]> ? Plan : never;

const types = ['pipelineJob', 'report'] as const;
const created = (place: Place): Demand => ({
  kind: 'create',
  type: types[place],
  typeVersion: '1',
  json: '{}',
  setup: {
    ...{ pipeline: null, links: {}, session: null, agent: null, task: null },
    ...{ archivePath: '/products/v2/a/b/c', tags: [] },
  },
});

interface RunningProcess {
  readonly engine: Engine;
  readonly died: Promise<void>;
  isDead(): boolean;
  /** Resolves once the calls that were on their way when it died have reached the store. */
  readonly landed: () => Promise<unknown>;
}

const epoch = 1_800_000_000_000;
const second = 1_000;
const minute = 60_000;

type Arrange = (label: string) => Promise<unknown>;

/** Opens an engine whose every store call waits for its turn, and never ends once it is dead. */
async function openProcess(store: Store, plan: ProcessPlan, arrange: Arrange) {
  const onTheirWay = new Set<Promise<unknown>>();
  let calls = 0;
  let tick = 0;
  let die = (): void => undefined;
  const died = new Promise<void>((resolve) => (die = resolve));
  const stops = withFaultPoints(store, async (point) => {
    calls += 1;
    if (calls === plan.diesAt) die();
    if (calls >= plan.diesAt) return new Promise<void>(() => undefined);
    const turn = arrange(point);
    onTheirWay.add(turn);
    await turn;
    onTheirWay.delete(turn);
  });
  const now = (): number => epoch + plan.clockError + (tick += second);
  const { engine } = await openEngine({
    ...{ store: stops, home, secrets, machines, now },
    logLevel: 'silent',
  });
  await store.beat(engine.processId, new Date(engine.now()));
  return {
    ...{ engine, died, isDead: () => calls >= plan.diesAt },
    async landed() {
      await Promise.all(onTheirWay);
      await new Promise((resolve) => setImmediate(resolve));
    },
  } satisfies RunningProcess;
}

interface Told {
  readonly step: Send;
  readonly key: string;
  outcome: LoggedRequest['outcome'];
  isRepeated: boolean;
}

async function take(engine: Engine, next: Step, key: string, told: Told[]): Promise<void> {
  if (!('job' in next)) return duty(engine, next);
  const attempt: Told | undefined =
    next.do === 'send' ? { step: next, key, outcome: 'unknown', isRepeated: false } : undefined;
  if (attempt) told.push(attempt);
  try {
    await sendEvents(engine, `job-${next.job}`, {
      principal: admin,
      demand: demandOf(next),
      ...(attempt && { key }),
    });
    if (attempt) attempt.outcome = 'acknowledged';
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    if (attempt) attempt.outcome = 'refused';
  }
}

async function duty(engine: Engine, { do: name }: Duty): Promise<void> {
  if (name === 'beat') await beat(engine);
  if (name === 'flush') await engine.projector.flush();
  if (name === 'effects') await engine.effects.runDue();
}

function demandOf(next: Life | Send): Demand {
  if (next.do === 'send')
    return { kind: 'events', events: [{ name: next.name, json: dataOf(next.name) }] };
  if (next.do === 'create') return created(next.job);
  return { kind: 'remove', name: 'delete', json: null };
}

/** A reset that keeps the archive: its effect then touches nothing outside the store. */
const dataOf = (name: string): string | null => (name === 'reset' ? '{"keepArchive":true}' : null);

/**
 * Does for the dead what any living process does in the background: told whom nobody has heard of for
 * how many milliseconds, it sees to what they have left.
 */
async function openRescuer(store: Store) {
  let tick = 0;
  const { engine } = await openEngine({
    ...{ store, home, secrets, machines },
    now: () => epoch + (tick += second),
    logLevel: 'silent',
  });
  const repaired = new Map<string, number>();
  const repair = async (dead: readonly string[], silence: number): Promise<void> => {
    const readBeats: Store['readBeats'] = async () => {
      const { now, beats } = await store.readBeats();
      const own = beats.filter(({ process }) => dead.includes(process));
      return { now: new Date(now.getTime() + silence), beats: own };
    };
    await repairLost({ ...engine, store: { ...store, readBeats } }, repaired);
  };
  /** Lets so much time pass that all that was put off is due. */
  const wait = (): void => void (tick += 1_000_000_000);
  return { engine, repair, wait };
}

const figures = { runs: 0, deaths: 0, acknowledged: 0, refused: 0, unknown: 0 };

async function play(scheduler: fc.Scheduler, plans: readonly ProcessPlan[]): Promise<string[]> {
  const store = createMemoryStore({ now: () => new Date(0) });
  const arrange: Arrange = (label) => scheduler.schedule(Promise.resolve(), label);
  const running = await Promise.all(plans.map((plan) => openProcess(store, plan, arrange)));
  const rescuer = await openRescuer(store);
  const told: Told[] = [];
  // Both jobs are there to begin with; whoever comes after a removal makes them anew.
  await take(rescuer.engine, { do: 'create', job: 0 }, '', told);
  await take(rescuer.engine, { do: 'create', job: 1 }, '', told);
  const rescue = async ({ engine, landed }: RunningProcess): Promise<void> => {
    await rescuer.repair([engine.processId], second);
    await landed();
    await rescuer.repair([engine.processId], minute);
  };
  const work = running.map(async (process, place) => {
    const { engine, died } = process;
    const callers = plans[place]?.callers ?? [];
    const done = Promise.all(
      callers.map(async (steps, caller) => {
        for (const [index, next] of steps.entries()) {
          const isShared = next.do === 'send' && next.isKeyShared;
          const key = isShared ? `shared-${next.name}` : `${place}-${caller}-${index}`;
          await take(engine, next, key, told);
        }
      }),
    );
    await Promise.race([done, died.then(() => rescue(process))]);
  });
  await scheduler.waitFor(Promise.all(work));
  // The living may still die at this.
  await scheduler.waitFor(
    Promise.all(running.map(({ engine, died }) => Promise.race([engine.projector.flush(), died]))),
  );
  const deaths = running.filter((each) => each.isDead()).length;
  // Nothing moves on by itself from here: the living are gone as well, whatever they are at.
  rescuer.wait();
  await rescuer.repair(
    running.map(({ engine }) => engine.processId),
    minute,
  );
  await finish(rescuer);
  const found = checkHistory(await readStore(store), { machines, log: toLog(told) });
  for (const each of told.filter(({ outcome }) => outcome === 'unknown')) {
    await take(rescuer.engine, each.step, each.key, told);
    each.outcome = told.pop()?.outcome ?? 'unknown';
    each.isRepeated = true;
    figures.unknown += 1;
  }
  await finish(rescuer);
  figures.runs += 1;
  figures.deaths += deaths;
  for (const { outcome } of told) figures[outcome] += 1;
  return [...found, ...checkHistory(await readStore(store), { machines, log: toLog(told) })];
}

/** Lets nothing stay open. */
async function finish({ engine }: { engine: Engine }): Promise<void> {
  for (let round = 0; round < 5; round += 1) {
    await engine.effects.runDue();
    await engine.projector.flush();
  }
}

/** Where several asked under one key, it is there if one of them was told so. */
function toLog(told: readonly Told[]): LoggedRequest[] {
  const log = new Map<string, LoggedRequest>();
  const weight = { acknowledged: 2, unknown: 1, refused: 0 };
  for (const { step: sent, key, outcome, isRepeated: wasRepeated } of told) {
    const id = `${sent.job} ${key}`;
    const known = log.get(id);
    const isRepeated = wasRepeated || known !== undefined;
    const strongest = known && weight[known.outcome] > weight[outcome] ? known.outcome : outcome;
    log.set(id, {
      job: `job-${sent.job}`,
      key,
      names: [sent.name],
      outcome: strongest,
      isRepeated,
    });
  }
  return [...log.values()];
}

describe('several processes, in any order of their store calls, some of them dying', () => {
  it(
    'keep every promise',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), processes, async (scheduler, plans) => {
          expect(await play(scheduler, plans)).toEqual([]);
        }),
        { numRuns: isLong ? 20_000 : 300, timeout: 20_000, endOnFailure: true },
      );
      console.info(`interleavings: ${JSON.stringify(figures)}, broken 0`);
    },
    isLong ? 1_800_000 : 120_000,
  );
});
