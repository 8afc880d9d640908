import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseSecrets } from '../../src/auth/secrets.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { JobwrightClient } from '../../src/client/jobwrightClient.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { verify } from '../../src/jobs/verify.ts';
import { testDatabase } from '../support/database.ts';
import {
  freePort,
  serviceSettings,
  serviceTokens,
  startServiceProcess,
  type ServiceSettings,
} from '../support/serviceProcess.ts';
import { isLong, waitUntil } from '../support/waitUntil.ts';
import { startWorkerProcess } from '../support/workerProcess.ts';

const records = isLong ? 1_000 : 150;
const patienceMs = isLong ? 900_000 : 120_000;
const sum = fileURLToPath(new URL('../fixtures/computeSum.mjs', import.meta.url));
const opening = serviceSettings(testDatabase());

/** A service, what it takes to work for it, and the records of a test. */
async function openWorld(name: string) {
  const settings = await opening;
  const service = await startServiceProcess(settings, await freePort());
  const { operator } = serviceTokens(settings);
  const token = workerToken(settings);
  const at = { url: service.url, token, home: settings.home };
  const runs = join(settings.home, `${name}.runs`);
  const quoted = [process.execPath, sum].map((word) => JSON.stringify(word)).join(' ');
  return {
    settings,
    service,
    client: new JobwrightClient({ url: service.url, token: operator }),
    crew: new JobwrightClient({ url: service.url, token }),
    runs,
    gate: join(settings.home, `${name}.gate`),
    startWorker: (...args: string[]) =>
      startWorkerProcess(at, ['--exec', `${quoted} {input} ${JSON.stringify(runs)}`, ...args]),
  };
}

type World = Awaited<ReturnType<typeof openWorld>>;

const workerToken = ({ secrets }: ServiceSettings): string =>
  createTokens({ keys: parseSecrets(secrets), now: Date.now }).issue({
    kind: 'worker',
    subject: 'crew',
    ttl: 3_600,
  }).token;

/** Sets records up and gives their ids by key. */
async function submit(
  { client }: World,
  inputs: readonly { key: string; tag: string; wait?: string }[],
): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (let from = 0; from < inputs.length; from += 500) {
    const page = inputs.slice(from, from + 500);
    const jobs = page.map(({ tag, ...input }, index) => ({
      data: { tag, input: { ...input, numbers: [from + index, 1] } },
    }));
    const { outcomes } = await client.createJobs({ type: 'record', jobs });
    for (const outcome of outcomes) {
      if (outcome.outcome !== 'created') throw new Error(JSON.stringify(outcome));
      ids.set(page[outcome.index]?.key ?? '', outcome.id);
    }
  }
  return ids;
}

const stateOf = async ({ client }: World, id: string): Promise<string> =>
  (await client.job(id)).state;

const runCounts = async ({ runs }: World): Promise<Map<string, number>> => {
  const counts = new Map<string, number>();
  for (const line of (await readFile(runs, 'utf8')).trim().split('\n')) {
    const { key } = JSON.parse(line) as { key: string };
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
};

/** Whether every record ended once, with what its program computed from its input. */
async function expectCompleteOnce(world: World, ids: ReadonlyMap<string, string>) {
  const entries = [...ids].map(async ([key, id], index) => {
    const names: string[] = [];
    for await (const entry of world.client.allHistory(id)) names.push(entry.name);
    const result = await world.client.output(id, { name: 'result' });
    const finishes = names.filter((name) => name === 'finish').length;
    expect({ key, finishes, last: names.at(-1), result }).toEqual({
      ...{ key, finishes: 1, last: 'finish' },
      result: { key, sum: index + 1 },
    });
  });
  await Promise.all(entries);
}

async function expectVerified({ uri, database, secrets, home }: ServiceSettings): Promise<void> {
  const options = { mongodb: uri, database, secrets, home, logLevel: 'silent' } as const;
  const manager = await JobManager.open(options);
  try {
    const { store, registry } = manager.engine;
    await manager.maintain();
    expect((await verify({ store, registry }, { requireMachines: true })).problems).toEqual([]);
  } finally {
    await manager.close();
  }
}

describe('workers of which one is killed and one paused past its lease', () => {
  it(
    'complete every record once, and the late result is refused',
    async () => {
      const world = await openWorld('once');
      const { client, crew, gate } = world;
      const waiting = (['kill', 'pause'] as const).flatMap((tag) =>
        [1, 2].map((number) => ({ key: `${tag}-${number}`, tag, wait: gate })),
      );
      const plain = Array.from({ length: records - waiting.length }, (_none, index) => ({
        key: `plain-${index}`,
        tag: 'plain',
      }));
      const ids = await submit(world, [...waiting, ...plain]);
      const lease = ['--lease', '2', '--concurrency', '4'];

      // Both have programs under way that do not end, beside others that do.
      const killed = await world.startWorker('--name', 'killed', '--tags', 'kill,plain', ...lease);
      const paused = await world.startWorker('--name', 'paused', '--tags', 'pause,plain', ...lease);
      await Promise.all([killed.hasTold('reported', 5), paused.hasTold('reported', 5)]);
      const others = await Promise.all(
        ['one', 'two'].map((name) => world.startWorker('--name', name, ...lease)),
      );
      expect(await killed.kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      process.kill(paused.pid, 'SIGSTOP');
      for (const name of ['killed', 'paused']) {
        const status = async () => (await client.workers.get(name)).status;
        const isLost = async () => (await status()) === 'lost' || status();
        await waitUntil(`the loss of ${name}`, isLost, 30_000);
      }

      // What they had is done by others; their own programs end as well, and nobody hears of it.
      await writeFile(gate, '');
      for (const { key } of waiting) {
        const id = ids.get(key) ?? '';
        const isDone = async () => {
          const state = await stateOf(world, id);
          return state === 'complete' || state;
        };
        await waitUntil(`${key} to be done by another`, isDone, patienceMs);
      }
      process.kill(paused.pid, 'SIGCONT');
      await paused.hasTold('lost');
      await paused.hasTold('activated', 2);

      const late = paused.told.filter(({ event }) => event === 'claimed');
      const [claim] = late.filter(({ id }) => id === ids.get('pause-1'));
      const result = { id: String(claim?.['id']), epoch: Number(claim?.['epoch']) };
      const report = { ...result, outcome: 'complete', result: { late: true } } as const;
      await expect(crew.workers.report('paused', [report])).rejects.toMatchObject({
        code: 'WORKER_INACTIVE',
      });
      expect(await crew.workers.report('paused~2', [report])).toMatchObject([
        { outcome: 'rejected', code: 'LEASE_LOST', state: 'complete' },
      ]);
      expect((await client.workers.get('paused~2')).counts.rejected).toBe(1);

      const isEmpty = async () => {
        const states = await Promise.all([...ids.values()].map((id) => stateOf(world, id)));
        const open = states.filter((state) => state !== 'complete');
        return open.length === 0 || `${open.length} not complete: ${[...new Set(open)].join(', ')}`;
      };
      await waitUntil('all records', isEmpty, patienceMs, 250);
      for (const worker of [paused, ...others]) {
        expect(await worker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      }
      await expectCompleteOnce(world, ids);
      const counts = await runCounts(world);
      expect(waiting.map(({ key }) => counts.get(key))).toEqual([2, 2, 2, 2]);
      expect(counts.size).toBe(records);
      expect(await world.service.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      await expectVerified(world.settings);
      const all = [...counts.values()].reduce((total, count) => total + count);
      console.info(`workers: ${records} records, ${all} runs, each complete once`);
    },
    patienceMs * 2,
  );
});

describe('a worker', () => {
  it('ends the program of a record that is cancelled, and goes on', async () => {
    const world = await openWorld('cancel');
    const ids = await submit(world, [{ key: 'a', tag: 'plain', wait: world.gate }]);
    const worker = await world.startWorker('--lease', '2');
    await waitUntil(
      'the program',
      async () => (await readFile(world.runs, 'utf8').catch(() => '')) !== '' || 'not begun',
      30_000,
    );
    const id = ids.get('a') ?? '';
    await world.client.send(id, { name: 'cancel', data: { reason: 'no need' } });
    await worker.hasTold('abandoned');
    const more = await submit(world, [{ key: 'b', tag: 'plain' }]);
    await worker.hasTold('reported');
    expect(await stateOf(world, id)).toBe('cancelled');
    expect(await stateOf(world, more.get('b') ?? '')).toBe('complete');
    expect(await worker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await world.service.kill('SIGTERM');
  }, 90_000);

  it('delivers a result that it has while the service is away', async () => {
    const world = await openWorld('away');
    const { settings, service, gate } = world;
    const ids = await submit(world, [{ key: 'a', tag: 'plain', wait: gate }]);
    const worker = await world.startWorker('--lease', '30');
    await worker.hasTold('claimed');
    await service.kill('SIGKILL');
    await writeFile(gate, '');
    await worker.hasTold('trouble', 2);
    const again = await startServiceProcess(settings, service.port);
    await worker.hasTold('reported');
    await expectCompleteOnce(world, ids);
    expect(await worker.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await again.kill('SIGTERM');
  }, 90_000);
});
