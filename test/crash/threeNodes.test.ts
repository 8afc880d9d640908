import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReplicaSet, type TestReplicaSet } from '../support/replicaSet.ts';
import { ask, createServiceClient } from '../support/serviceClient.ts';
import { expectKept, startRandomLoad } from '../support/serviceLoad.ts';
import {
  freePort,
  serviceSettings,
  serviceTokens,
  startServiceProcess,
} from '../support/serviceProcess.ts';
import { isLong, seededRandom, waitUntil } from '../support/waitUntil.ts';

const rounds = isLong ? 5 : 1;
const longestGapMs = 15_000;
const database = `three_${randomBytes(4).toString('hex')}`;
const opening = serviceSettings({ uri: '', database });
let set: TestReplicaSet;

beforeAll(async () => {
  set = await startReplicaSet();
});
afterAll(() => set?.stop());

describe('a service on a replica set of three', () => {
  it(
    'keeps all it acknowledged through step-downs and kills of the primary, and goes on by itself',
    async () => {
      const settings = { ...(await opening), uri: set.uri };
      const tokens = serviceTokens(settings);
      const service = await startServiceProcess(settings, await freePort());
      const client = createServiceClient(service.url, tokens);
      const options = { clients: 12, jobs: 60, random: seededRandom(7) };
      const load = await startRandomLoad(client, tokens, options);

      const gaps: Record<'step-down' | 'kill', number[]> = { 'step-down': [], kill: [] };
      const changes = Array.from({ length: rounds }, () => ['step-down', 'kill'] as const).flat();
      for (const change of changes) {
        await load.acknowledged(100);
        load.longestSilence();
        const killed = change === 'kill' ? await set.killPrimary() : undefined;
        if (!killed) await set.stepDown();
        await load.acknowledged(100);
        if (killed) await set.restart(killed);
        await set.whole();
        await load.acknowledged(100);
        gaps[change].push(Math.ceil(load.longestSilence()));
        await waitUntil('it is ready', () => readiness(service.url), 5_000);
      }
      await load.stop();
      // It has lived through it all, and nobody had to start it again.
      expect(await service.kill('SIGTERM')).toEqual({ code: 0, signal: null });

      const { entries, acknowledged } = await expectKept(settings, load.attempts);
      console.info(
        `three nodes: ${rounds} step-downs, ${rounds} kills of the primary, ` +
          `${load.attempts.length} requests, ${acknowledged} acknowledged, ` +
          `${client.troubles.unavailable} told to come again, ` +
          `${client.troubles.unanswered} without an answer; ${entries} entries; lost 0, doubled 0; ` +
          `longest silences: step-down ${gaps['step-down'].join(', ')} ms, kill ${gaps.kill.join(', ')} ms`,
      );
      expect(client.troubles.unanswered).toBe(0);
      for (const gap of Object.values(gaps).flat()) expect(gap).toBeLessThan(longestGapMs);
    },
    isLong ? 900_000 : 180_000,
  );
});

describe('a service whose replica set is gone', () => {
  it('says soon that it is not ready, and ends with 0 within 10 s of being told', async () => {
    const settings = { ...(await opening), uri: set.uri };
    const service = await startServiceProcess(settings, await freePort());
    const client = createServiceClient(service.url, serviceTokens(settings));
    const load = await startRandomLoad(client, serviceTokens(settings), {
      ...{ clients: 4, jobs: 4 },
      random: seededRandom(8),
    });
    await load.acknowledged(20);
    const ended = load.stop();
    // One alone is no majority.
    const killed = [await set.killPrimary(), await set.killPrimary()];
    const isUnready = async () => (await readiness(service.url)) !== true || 'it is ready';
    await waitUntil('it is not ready', isUnready, 10_000);
    const asked = performance.now();
    expect(await readiness(service.url)).toMatch(/^503 .*"unavailable"/);
    expect(performance.now() - asked).toBeLessThan(5_000);

    const told = performance.now();
    expect(await service.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - told).toBeLessThan(10_000);
    await Promise.all(killed.map((node) => set.restart(node)));
    await set.whole();
    const next = await startServiceProcess(settings, service.port);
    await ended;
    expect(await next.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    await expectKept(settings, load.attempts);
  });
});

async function readiness(url: string): Promise<string | true> {
  const { status, body } = await ask(url, 'GET', '/health/ready');
  return status === 200 || `${status} ${JSON.stringify(body)}`;
}
