import { InvalidData, InvalidTransition, UnknownMachine } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { burns, useLamp } from './lamp.ts';
import { historyOf, useWorld } from './world.ts';

const world = useWorld({ frozenAt: '2026-11-16T09:00:00.000Z' });
const { open, newLamp, rungBy, heard } = useLamp(world);

describe('a delayed transition', () => {
  it('comes when its time has come, by the system, and with its effect', async () => {
    const manager = await open();
    const job = await newLamp(manager);
    await job.on({ watts: 40 });
    world.passTime(burns - 1);
    await manager.maintain();
    expect((await job.refresh()).state).toBe('bright');
    world.passTime(1);
    await manager.maintain();
    expect((await job.refresh()).state).toBe('burnt');
    expect((await historyOf(job)).at(-1)).toMatchObject({
      name: 'timer',
      from: 'bright',
      to: 'burnt',
      actor: { kind: 'system', id: 'timer' },
      at: new Date(world.options.now()).toISOString(),
    });
    await heard(job.id, 1);
    expect(rungBy(job.id)[0]?.params).toEqual({ tune: 'end' });
    await manager.maintain();
    expect(job.version).toBe(3);
  });

  it('comes though the manager that started it was closed, and another one opened', async () => {
    const first = await open();
    const { id } = await (await newLamp(first)).on({ watts: 40 });
    await first.close();
    world.passTime(burns);
    const second = await open();
    await second.maintain();
    expect((await second.job<'lamp'>(id)).state).toBe('burnt');
  });

  it('comes once, though two managers look for it at once', async () => {
    const managers = [await open(), await open()] as const;
    const job = await newLamp(managers[0]);
    await job.on({ watts: 40 });
    await managers[0].maintain();
    world.passTime(burns);
    await Promise.all(managers.map((each) => each.maintain()));
    expect((await historyOf(job)).map(({ name }) => name)).toEqual(['create', 'on', 'timer']);
  });

  it('does not come where its state was left, and starts anew where it is entered again', async () => {
    const manager = await open();
    const job = await newLamp(manager);
    await job.on({ watts: 40 }).off();
    world.passTime(burns);
    await manager.maintain();
    expect((await job.refresh()).view()).toMatchObject({ state: 'dark', version: 3 });
    await job.on({ watts: 40 });
    world.passTime(burns / 2);
    await job.off().on({ watts: 60 });
    world.passTime(burns / 2);
    await manager.maintain();
    expect((await job.refresh()).state).toBe('bright');
    world.passTime(burns / 2);
    await manager.maintain();
    expect((await job.refresh()).state).toBe('burnt');
  });
});

describe('a guard', () => {
  it('refuses by its name, and its event stays in the list of what is allowed', async () => {
    const job = await newLamp(await open());
    const error = await world.refusal(job.id, InvalidTransition, () => job.on({ watts: 1 }));
    expect(error).toMatchObject({ event: 'on', from: 'dark', allowed: ['on'] });
    expect(error.message).toBe(
      'Cannot transition to bright from dark (guard isBright refused); allowed: on',
    );
    await world.refusal(job.id, InvalidData, () => job.on({ watts: -1 }));
    await world.refusal(job.id, InvalidData, () => job.send('on'));
  });
});

describe('a job of a machine that this process does not know', () => {
  it('is shown, takes no events, and waits for a process that knows it', async () => {
    const knowing = await open();
    const { id } = await (await newLamp(knowing)).on({ watts: 40 }).ring();
    await heard(id, 1);
    await knowing.close();

    const job = await world.manager.job(id);
    expect(job.view()).toMatchObject({ type: 'lamp', state: 'bright', version: 3 });
    expect(await job.allowedEvents()).toEqual([]);
    expect((await historyOf(job)).map(({ name }) => name)).toEqual(['create', 'on', 'ring']);
    const error = await world.refusal(id, UnknownMachine, () => job.send('ring'));
    expect(error.toJSON()).toMatchObject({ name: 'lamp@1' });
    world.passTime(burns);
    await world.manager.maintain();
    expect((await job.refresh()).state).toBe('bright');
    await world.manager.maintain();
    const { jobs } = await world.manager.list({ type: 'lamp' });
    expect(jobs.map((each) => each.id)).toContain(id);

    const again = await open();
    await again.maintain();
    expect((await again.job<'lamp'>(id)).state).toBe('burnt');
    const doomed = await world.manager.job(id);
    await doomed.delete({ token: world.adminToken, reason: 'nobody knows it' });
  });
});
