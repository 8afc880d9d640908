import { JobManager } from 'jobwright';
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Store } from '../../src/store/store.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { repairLost } from '../../src/maintenance/repairProjection.ts';
import { openManager, temporaryHome } from './population.ts';

const secrets = `k1:${randomBytes(32).toString('base64')}`;

/** A store that its openers share: none of them closes it. */
const sharedStore = (now: () => Date): Store => ({
  ...createMemoryStore({ now }),
  close: async () => undefined,
});

describe('a process that does not know a machine', () => {
  it('leaves the jobs of a killed process to one that knows it', async () => {
    let clock = Date.now();
    const store = sharedStore(() => new Date(clock));
    const killed = await openManager({
      secrets,
      store: {
        ...store,
        project: () => Promise.reject(new Error('killed')),
        forgetProcess: async () => undefined,
      },
    });
    const job = await killed.setup('meter', { data: { unit: 'kWh' } });
    await job.read({ value: 3 }).read({ value: 4 }).close();
    const stranger = await JobManager.open({
      secrets,
      store,
      home: await temporaryHome(),
      logLevel: 'silent',
    });
    clock += 60_000;
    await repairLost(stranger.engine);
    const asShown = await stranger.job(job.id);
    expect(asShown.state).toBe('intake.closed|alarm.quiet');
    expect(await store.readJob(job.id)).toBeNull();
    await stranger.close();

    const knower = await openManager({ secrets, store });
    const again = await knower.job<'meter'>(job.id);
    expect(again.context).toEqual({ unit: 'kWh', sum: 7, values: [3, 4] });
    expect(await knower.verify()).toMatchObject({ ok: true, jobs: 1, entries: 4 });
  });

  it('may end the tokens of its jobs without spoiling what is stored', async () => {
    const store = sharedStore(() => new Date());
    const knower = await openManager({ secrets, store });
    const job = await knower.setup('meter', { data: { unit: 'kWh' } });
    await job.read({ value: 3 });
    await knower.maintain();
    const stranger = await JobManager.open({
      secrets,
      store,
      home: await temporaryHome(),
      logLevel: 'silent',
    });
    await (await stranger.job(job.id)).revokeTokens();
    await stranger.close();
    expect(await store.readJob(job.id)).toMatchObject({
      seq: 3,
      snapshot: { context: { sum: 3 } },
    });
    expect(await knower.verify()).toMatchObject({ ok: true, problems: [] });
  });
});

describe('a stored snapshot that the machine cannot be in', () => {
  it('is made again from the log', async () => {
    const store = sharedStore(() => new Date());
    const first = await openManager({ secrets, store });
    const job = await first.setup('meter', { data: { unit: 'kWh' } });
    await job.read({ value: 3 });
    await first.maintain();
    const stored = await store.readJob(job.id);
    const spoiled: Store = {
      ...store,
      readJob: async () =>
        stored && { ...stored, snapshot: { ...stored.snapshot, value: 'nowhere' } },
    };
    const second = await openManager({ secrets, store: spoiled });
    const again = await second.job<'meter'>(job.id);
    expect(again.context).toEqual({ unit: 'kWh', sum: 3, values: [3] });
    await again.read({ value: 4 });
    expect(again.context['sum']).toBe(7);
  });
});
