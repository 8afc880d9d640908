import { describe, expect, it } from 'vitest';
import { pipelineJob } from '../../machines/pipelineJob.ts';
import type { Actor } from '../../src/machine/actor.ts';
import { allowedEvents } from '../../src/machine/allowedEvents.ts';
import { machineEvent } from '../../src/machine/event.ts';
import { createRegistry } from '../../src/machine/registry.ts';
import { restoreSnapshot } from '../../src/machine/snapshot.ts';
import { start, step } from '../../src/machine/step.ts';
import { pairs, pipelineJobTable, states } from './pipelineJobTable.ts';

const admin: Actor = { kind: 'admin', id: 'ada' };
const operator: Actor = { kind: 'operator', id: 'otto' };
const at = '2026-11-21T08:00:00.000Z';
const registered = createRegistry([pipelineJob], new Set(['clearArchive', 'sendReady'])).get(
  'pipelineJob',
);
const snapshotIn = (value: string) =>
  restoreSnapshot(registered.machine, { value, context: {}, status: 'active' });

describe('the pipelineJob machine', () => {
  it('has 11 states, 15 events and 43 legal pairs of 165', () => {
    expect(states).toHaveLength(11);
    expect(registered.eventNames.size).toBe(15);
    expect(pairs).toHaveLength(165);
    expect(pairs.filter(({ to }) => to !== null)).toHaveLength(43);
  });

  it('starts in CREATED', () => {
    expect(start(registered, {}, at)).toMatchObject({ accepted: true, to: 'CREATED', effects: [] });
  });

  it.each(pairs)('$event in $from leads to $to for an admin', ({ from, event, to }) => {
    const decision = step(registered, snapshotIn(from), machineEvent(event, null, admin, at));
    if (to !== null) {
      expect(decision).toMatchObject({ accepted: true, from, to, effects: [], timers: [] });
      return;
    }
    expect(decision).toEqual({
      accepted: false,
      reason: 'absent',
      from,
      allowed: expect.arrayContaining(Object.keys(pipelineJobTable[from] ?? {})) as string[],
    });
  });

  it.each(states)('in %s only an admin may reset or make ready', (from) => {
    for (const event of ['reset', 'ready']) {
      const decision = step(registered, snapshotIn(from), machineEvent(event, null, operator, at));
      expect(decision).toMatchObject({ accepted: false, reason: 'admin', from });
    }
  });

  it.each(states)('in %s the allowed events are those of the table', (from) => {
    const allowed = allowedEvents(registered, snapshotIn(from), at);
    expect(allowed.map(({ name }) => name).sort()).toEqual(
      Object.keys(pipelineJobTable[from] ?? {}).sort(),
    );
    for (const { name, who } of allowed) {
      const everyone = ['job', 'worker', 'operator', 'admin', 'system'];
      expect(who).toEqual(name === 'reset' || name === 'ready' ? ['admin'] : everyone);
    }
  });

  it.each([
    ['nothing but the state', null, []],
    ['the archive emptied', '{"keepArchive":false}', ['clearArchive']],
    ['ready sent', '{"keepArchive":true}', ['sendReady']],
  ])('a reset asks for %s', (_what, data, effects) => {
    const decision = step(
      registered,
      snapshotIn('FINISHED'),
      machineEvent('reset', data, admin, at),
    );
    expect(decision).toMatchObject({
      accepted: true,
      effects: effects.map((type) => ({ type, params: null })),
    });
  });
});
