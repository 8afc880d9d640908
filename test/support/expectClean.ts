import { expect } from 'vitest';
import { verify } from '../../src/jobs/verify.ts';
import type { Arena } from './arena.ts';
import type { LoggedRequest } from './checkHistory.ts';
import type { Attempt } from './jobClient.ts';

/** What a client's attempts come to in the log, where a key says which is which. */
export function loggedRequests(attempts: readonly Attempt[]): LoggedRequest[] {
  return attempts.flatMap(({ operation, outcome, isRepeated }) => {
    if (!('key' in operation) || operation.key === undefined) return [];
    const names = operation.do === 'send' ? operation.events.map(({ name }) => name) : ['reset'];
    const told = outcome?.ok ? 'acknowledged' : isRefusal(outcome) ? 'refused' : 'unknown';
    return [{ job: operation.job, key: operation.key, names, outcome: told, isRepeated }];
  });
}

/** Whether the client has been told that nothing was written. */
const isRefusal = (outcome: Attempt['outcome']): boolean =>
  outcome?.ok === false && !['STORE_UNAVAILABLE', 'EFFECT_FAILED'].includes(outcome.code);

/** Waits until all consequences are written, then looks for whatever the promises rule out. */
export async function expectClean(
  arena: Arena,
  attempts: readonly Attempt[] = [],
  withinMs = 20_000,
): Promise<void> {
  await arena.settled(withinMs).catch(() => undefined);
  expect((await arena.problems(undefined, loggedRequests(attempts))).slice(0, 20)).toEqual([]);
  const { store, registry } = arena.survivor.engine;
  const report = await verify({ store, registry }, { requireMachines: true });
  expect(report.problems).toEqual([]);
}
