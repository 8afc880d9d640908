import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createActor,
  initialTransition,
  SimulatedClock,
  transition,
  type AnyActorRef,
  type AnyMachineSnapshot,
} from 'xstate';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import { pipelineJob } from '../../machines/pipelineJob.ts';
import type { Actor } from '../../src/machine/actor.ts';
import { allowedEvents } from '../../src/machine/allowedEvents.ts';
import { machineEvent, type MachineEvent } from '../../src/machine/event.ts';
import type { RegisteredMachine } from '../../src/machine/registry.ts';
import { replay, type ReplayEntry } from '../../src/machine/replay.ts';
import { asRestored, persistSnapshot, stateOf } from '../../src/machine/snapshot.ts';
import { start, step, type Accepted, type Refused, type Timer } from '../../src/machine/step.ts';
import { eventNames, pipelineJobTable, states } from '../machines/pipelineJobTable.ts';
import { isLong } from '../support/waitUntil.ts';
import { allEvents, machineOf, randomConfig, randomPlainConfig } from './randomMachine.ts';
import { admin, operator, register, system, throughJson } from './testMachine.ts';

// The normal run takes the same machines every time, the long one new ones.
const runs = isLong ? { numRuns: 5000 } : { numRuns: 300, seed: 20_261_121 };
const length = isLong ? 30 : 20;
const timeout = isLong ? 600_000 : 60_000;

interface Move {
  readonly event: string;
  readonly actor: Actor;
  readonly n: number | null;
  /** How much time passes before it. */
  readonly wait: number;
}

const moves = fc.array(
  fc.record<Move>({
    event: fc.constantFrom(...allEvents),
    actor: fc.constantFrom(admin, operator),
    n: fc.option(fc.nat({ max: 4 })),
    wait: fc.constantFrom(0, 0, 1, 700, 3000, 20_000),
  }),
  { minLength: length, maxLength: length },
);

const began = Date.parse('2026-11-21T08:00:00.000Z');

/** A job that goes through JSON between two events, and one that the library alone keeps in memory. */
class Pair {
  readonly registered: RegisteredMachine;
  readonly entries: ReplayEntry[] = [];
  now = began;
  stored: AnyMachineSnapshot;
  timers: readonly Timer[];
  live: AnyMachineSnapshot;

  constructor(registered: RegisteredMachine) {
    this.registered = registered;
    const first = start(registered, {}, this.at);
    const [live, actions] = initialTransition(registered.machine, {});
    if (!first.accepted) throw new Error(first.detail);
    this.stored = throughJson(registered, first.next);
    this.timers = first.timers;
    this.live = live;
    expect(first.effects.map(({ type }) => type)).toEqual(effectsOf(actions));
    this.record('create', 'create', '{}', system, first.to);
    this.compare();
  }

  get at(): string {
    return new Date(this.now).toISOString();
  }

  private record(
    name: string,
    operation: string | undefined,
    data: string | null,
    actor: Actor,
    to: string,
  ): void {
    this.entries.push({
      name,
      ...(operation !== undefined && { operation }),
      data,
      actor,
      to,
      at: new Date(this.now),
    });
  }

  play({ event, actor, n, wait }: Move): void {
    this.now += wait;
    this.fireDueTimers();
    this.compareAllowed();
    const data = n === null ? null : JSON.stringify({ n });
    const decision = this.decide(machineEvent(event, data, actor, this.at), this.timers);
    if (decision.accepted) this.record(event, undefined, data, actor, decision.to);
  }

  private fireDueTimers(): void {
    for (;;) {
      const [due] = this.timers
        .filter(({ dueAt }) => dueAt.getTime() <= this.now)
        .toSorted((one, other) => one.dueAt.getTime() - other.dueAt.getTime());
      if (!due) return;
      const others = this.timers.filter((timer) => timer !== due);
      const event = machineEvent(due.event, null, system, this.at);
      const decision = this.decide(event, others);
      const data = JSON.stringify({ event: due.event, id: due.id });
      if (!decision.accepted) this.timers = others;
      this.record('timer', 'timer', data, system, stateOf(this.stored.value as string));
    }
  }

  private decide(event: MachineEvent, timers: readonly Timer[]): Accepted | Refused {
    const decision = step(this.registered, this.stored, event, timers);
    const possible = this.live.status === 'active' && this.live.can(event);
    expect(decision.accepted).toBe(possible);
    if (!decision.accepted) return decision;
    const [live, actions] = transition(this.registered.machine, this.live, event);
    this.live = live;
    this.stored = throughJson(this.registered, decision.next);
    this.timers = decision.timers;
    expect(decision.effects.map(({ type }) => type)).toEqual(effectsOf(actions));
    this.compare();
    return decision;
  }

  /** The library keeps its states in the order of entry; what is stored has the machine's order. */
  private compare(): void {
    expect(persistSnapshot(this.stored)).toEqual(persistSnapshot(this.live));
    this.live = asRestored(this.live);
    expect(idsOf(this.live)).toEqual(idsOf(this.stored));
  }

  private compareAllowed(): void {
    const allowed = allowedEvents(this.registered, this.stored, this.at);
    for (const actor of [admin, operator]) {
      const ours = allowed.filter(({ who }) => who.includes(actor.kind)).map(({ name }) => name);
      const theirs = allEvents.filter(
        (name) =>
          this.live.status === 'active' && this.live.can(machineEvent(name, null, actor, this.at)),
      );
      expect(ours).toEqual(theirs);
    }
  }

  compareReplay(): void {
    const replayed = replay(this.registered, this.entries);
    if (!replayed.ok) throw new Error(`entry ${replayed.index}: ${replayed.reason}`);
    expect(persistSnapshot(replayed.snapshot)).toEqual(persistSnapshot(this.stored));
    expect(replayed.timers).toEqual(this.timers);
  }
}

const idsOf = ({ _nodes }: AnyMachineSnapshot): string[] => _nodes.map(({ id }) => id);

const snapshotOf = (actor: AnyActorRef): AnyMachineSnapshot =>
  actor.getSnapshot() as AnyMachineSnapshot;

const effectsOf = (actions: readonly { readonly type: string }[]): string[] =>
  actions.map(({ type }) => type).filter((type) => !type.startsWith('xstate.'));

describe('any machine, stored and restored between any two events', () => {
  it(
    'goes where the library goes, lets the same events in, and replays to the same',
    { timeout },
    () => {
      fc.assert(
        fc.property(randomConfig, moves, (config, played) => {
          const registered = register(machineOf(config), allEvents.join(' '), [
            'effect1',
            'effect2',
          ]);
          const pair = new Pair(registered);
          for (const move of played) pair.play(move);
          pair.compareReplay();
        }),
        runs,
      );
    },
  );
});

describe('any machine without parallel states', () => {
  it('keeps its timers as a running actor of the library does', { timeout }, () => {
    fc.assert(
      fc.property(randomPlainConfig, moves, (config, played) => {
        const registered = register(machineOf(config), allEvents.join(' '), ['effect1', 'effect2']);
        const clock = new SimulatedClock();
        const running = createActor(registered.machine, { clock, input: {} }).start();
        const pair = new Pair(registered);
        for (const move of played) {
          clock.increment(move.wait);
          pair.play(move);
          const data = move.n === null ? null : JSON.stringify({ n: move.n });
          const isRunning = snapshotOf(running).status === 'active';
          if (isRunning) running.send(machineEvent(move.event, data, move.actor, pair.at));
          expect(persistSnapshot(pair.stored)).toEqual(persistSnapshot(snapshotOf(running)));
        }
      }),
      runs,
    );
  });
});

/** What the library knows of a step, where it does not know the machine. */
interface PathStep {
  readonly event: { readonly type: string };
  readonly state: { readonly value: string };
}

const everyEvent = eventNames.map((name) =>
  machineEvent(name, null, admin, new Date(began).toISOString()),
);

describe('the ways through the pipelineJob machine', () => {
  const { machine } = pipelineJob;
  const options = { events: everyEvent, serializeEvent: ({ type }: { type: string }) => type };

  it.each([
    ['shortest', getShortestPaths(machine, options), states.length],
    ['simple', getSimplePaths(machine, options), 42],
  ])('%s: every state is reached, each step as the table says', (_kind, paths, count) => {
    expect(paths).toHaveLength(count);
    const reached = new Set(paths.map(({ state }) => String(state.value)));
    expect([...reached].sort()).toEqual([...states].sort());
    for (const { steps } of paths) {
      const [first, ...others] = steps as readonly PathStep[];
      let from = first?.state.value ?? '';
      expect(from).toBe('CREATED');
      for (const { event, state } of others) {
        expect(pipelineJobTable[from]?.[event.type]).toBe(state.value);
        from = state.value;
      }
    }
  });
});
