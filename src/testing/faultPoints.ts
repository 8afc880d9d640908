import type { Store } from '../store/store.ts';

/** The methods of a store. */
export type StoreMethod = {
  [Name in keyof Store]: Store[Name] extends (...given: never[]) => unknown ? Name : never;
}[keyof Store];

/** A place where a process may die, hang or be overtaken: before or after a call of the store. */
export type FaultPoint = `${'before' | 'after'}:${StoreMethod}`;

/**
 * The same store with a stop before and after every method. `count` says how often this very point has
 * been reached, from 1. The method waits for what `onPoint` returns: a rejection before it stands for a
 * call that never reached the store, one after it for an answer that was lost; a promise that never
 * settles for a process that is gone. A scan stops once before its first item and once after its last, a watch
 * before and after it is opened.
 */
export function withFaultPoints(
  store: Store,
  onPoint: (point: FaultPoint, count: number) => void | Promise<void>,
): Store {
  const counts = new Map<FaultPoint, number>();
  const stop = async (point: FaultPoint): Promise<void> => {
    const count = (counts.get(point) ?? 0) + 1;
    counts.set(point, count);
    await onPoint(point, count);
  };
  const wrap = (name: StoreMethod, method: (...given: unknown[]) => unknown) =>
    name.startsWith('scan')
      ? async function* (...given: unknown[]) {
          await stop(`before:${name}`);
          yield* method.apply(store, given) as AsyncIterable<unknown>;
          await stop(`after:${name}`);
        }
      : async (...given: unknown[]) => {
          await stop(`before:${name}`);
          const answer = await method.apply(store, given);
          await stop(`after:${name}`);
          return answer;
        };
  const members = Object.entries(store).map(([name, member]: [string, unknown]) => [
    name,
    typeof member === 'function'
      ? wrap(name as StoreMethod, member as (...given: unknown[]) => unknown)
      : member,
  ]);
  // Member by member the same functions with the same arguments, so it is the same contract.
  return Object.fromEntries(members) as Store;
}
