import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/errors.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import type { Store } from '../../src/store/store.ts';
import { withFaultPoints, type FaultPoint } from '../../src/testing/faultPoints.ts';
import { checkHistory, type LoggedRequest } from '../support/checkHistory.ts';
import { perform, type Operation, type Outcome } from '../support/operations.ts';
import { readStore } from '../support/rawDatabase.ts';
import { isLong, waitUntil } from '../support/waitUntil.ts';

const home = mkdtempSync(join(tmpdir(), 'jobwright-faults-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const secrets = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

/** The database is away for some calls, from one of them on: requests or their answers are lost. */
interface Outage {
  readonly from: number;
  readonly calls: number;
  readonly side: 'before' | 'after';
}

const outages: Outage[] = (['before', 'after'] as const).flatMap((side) =>
  [1, 3, 10].flatMap((calls) =>
    Array.from({ length: isLong ? 200 : 80 }, (_each, from) => ({ side, calls, from })),
  ),
);

/** A store that fails as told once it is armed, and the points that it failed at. */
function withOutage(store: Store, { from, calls, side }: Outage) {
  const failed: FaultPoint[] = [];
  let count = -1;
  const faulty = withFaultPoints(store, (point) => {
    if (count < 0 || !point.startsWith(side) || point.endsWith(':close')) return;
    count += 1;
    if (count <= from || count > from + calls) return;
    failed.push(point);
    throw new StoreUnavailable('the database is away');
  });
  return {
    ...{ faulty, failed },
    arm: () => void (count = 0),
    disarm: () => void (count = -1),
  };
}

/** Nobody knows what became of it; or it is written, and its effect is still to succeed. */
const askedAgain = new Set(['STORE_UNAVAILABLE', 'EFFECT_FAILED']);

const request = (job: string, ...names: string[]): Operation & { do: 'send' } => ({
  do: 'send',
  job,
  key: names.join('-'),
  events: names.map((name) => ({ name })),
});

const atOnce = 60;

describe('a store that fails at any call', () => {
  it(
    'keeps nobody from asking again, and leaves everything as it should be',
    async () => {
      const failed: FaultPoint[] = [];
      const left = [...outages];
      // Each has duties of its own: all at once they would starve each other on a busy machine.
      const liveThroughSome = async (): Promise<void> => {
        for (let next = left.shift(); next; next = left.shift()) {
          failed.push(...(await liveThrough(next)));
        }
      };
      await Promise.all(Array.from({ length: atOnce }, liveThroughSome));
      const kinds = new Set(failed);
      console.info(
        `store faults: ${outages.length} outages, ${failed.length} failed calls of ` +
          `${kinds.size} kinds; lost 0, doubled 0`,
      );
      expect(kinds.size).toBeGreaterThan(20);
    },
    isLong ? 300_000 : 120_000,
  );
});

/** Leads a job from set-up through a chain and a reset to its end, whatever the store does. */
async function liveThrough(outage: Outage): Promise<FaultPoint[]> {
  const store = createMemoryStore();
  const { faulty, failed, arm, disarm } = withOutage(store, outage);
  const manager = await JobManager.open({ store: faulty, home, secrets, logLevel: 'silent' });
  await manager.pipelines.put('weather');
  arm();
  const ask = async (operation: Operation): Promise<Outcome> => {
    for (;;) {
      const outcome = await perform(manager.engine, operation);
      if (outcome.ok || !askedAgain.has(outcome.code)) return outcome;
    }
  };
  const data = { outage: { ...outage } };
  const setUp = { do: 'setup', type: 'pipelineJob', pipeline: 'weather', data } as const;
  const [kept, gone] = [await ask(setUp), await ask({ ...setUp, data: { ...data, gone: true } })];
  if (!kept.ok || !gone.ok) throw new Error('a set-up was refused');
  const requests = [request(kept.job, 'run', 'update'), request(kept.job, 'finish')];
  for (const each of requests)
    expect(await ask(each), told(outage, failed)).toMatchObject({ ok: true });
  const reset = { do: 'reset', job: kept.job, key: 'reset' } as const;
  expect(await ask(reset), told(outage, failed)).toMatchObject({ ok: true, state: 'CREATED' });
  const removal = await ask({ do: 'delete', job: gone.job });
  if (!removal.ok) expect(removal.code).toBe('JOB_NOT_FOUND');
  const log = [...requests.map(toLogged), toLogged({ ...reset, events: [{ name: 'reset' }] })];
  await waitUntil(
    told(outage, failed),
    async () => {
      const problems = checkHistory(await readStore(store), { log });
      return problems.length === 0 ? true : problems.join('\n');
    },
    10_000,
    100,
  );
  const names = (await store.readCommits(kept.job, 1)).flatMap(({ entries }) =>
    entries.map(({ name }) => name),
  );
  expect(names).toEqual(['create', 'run', 'update', 'finish', 'reset', 'ready']);
  disarm();
  await manager.close();
  return failed;
}

const told = (outage: Outage, failed: readonly FaultPoint[]): string =>
  `${JSON.stringify(outage)} at ${failed.join(', ')}`;

const toLogged = ({
  job,
  key = '',
  events,
}: {
  job: string;
  key?: string;
  events: readonly { name: string }[];
}): LoggedRequest => ({
  ...{ job, key, outcome: 'acknowledged', isRepeated: true },
  names: events.map(({ name }) => name),
});
