import type { AnyMachineSnapshot } from 'xstate';
import { record } from '../../machines/record.ts';
import type { RecordContext, RecordState } from '../../machines/recordEvents.ts';
import type { Actor } from '../../src/machine/actor.ts';
import { machineEvent } from '../../src/machine/event.ts';
import { createRegistry } from '../../src/machine/registry.ts';
import { start, step, type Accepted, type Refused } from '../../src/machine/step.ts';

export const registered = createRegistry(
  [record],
  new Set(['tellParents', 'checkChildren', 'clearArchive']),
).get('record');

export const operator: Actor = { kind: 'operator', id: 'otto' };
export const admin: Actor = { kind: 'admin', id: 'ada' };
export const system: Actor = { kind: 'system', id: 'engine' };
export const worker: Actor = { kind: 'worker', id: 'willow' };
export const job: Actor = { kind: 'job', id: 'a-job' };
export const reader: Actor = { kind: 'reader', id: 'rita' };

export const at = '2026-11-21T08:00:00.000Z';

/** A record right after its set-up. */
export function begin(input: object = {}): AnyMachineSnapshot {
  const decision = start(registered, input, at);
  if (!decision.accepted) throw new Error(`record does not start: ${decision.reason}`);
  return decision.next;
}

/** What an event with this data, as its schema has made it, comes to. */
export const send = (
  snapshot: AnyMachineSnapshot,
  name: string,
  data: object | null = null,
  actor = operator,
  time = at,
): Accepted | Refused =>
  step(registered, snapshot, machineEvent(name, data && JSON.stringify(data), actor, time));

export const stateOf = ({ value }: AnyMachineSnapshot): RecordState => value as RecordState;

export const contextOf = ({ context }: AnyMachineSnapshot): RecordContext =>
  context as RecordContext;

/** Data with which an event is accepted wherever its state has it: under the first claim, by willow. */
export const dataFor: Readonly<Record<string, object | null>> = {
  claim: { worker: worker.id },
  update: { epoch: 1, progress: { done: 0.5 } },
  finish: { epoch: 1 },
  fail: { epoch: 1, error: { type: 'unknown_error', message: 'no convergence' } },
  release: { epoch: 1 },
  settle: { children: { complete: 2 } },
  comment: { text: 'a remark' },
  modify: { priority: 7 },
};

/** Sends events by an operator, one after the other; throws where one is refused. */
export function after(snapshot: AnyMachineSnapshot, ...names: readonly string[]) {
  return names.reduce((current, name) => {
    const decision = send(current, name, dataFor[name] ?? null);
    if (!decision.accepted) throw new Error(`${name} is refused in ${stateOf(current)}`);
    return decision.next;
  }, snapshot);
}

/** A record in a state, by the shortest way. */
export const inState = (state: RecordState, input: object = {}): AnyMachineSnapshot =>
  after(begin(input), ...ways[state]);

const ways: Readonly<Record<RecordState, readonly string[]>> = {
  waiting: [],
  running: ['claim'],
  complete: ['claim', 'finish'],
  error: ['claim', 'fail'],
  cancelled: ['cancel'],
  invalid: ['claim', 'finish', 'invalidate'],
  deleted: ['claim', 'finish', 'delete'],
};
export const states = Object.keys(ways) as readonly RecordState[];
