import { MongoError } from 'mongodb';
import { StoreUnavailable } from '../../errors.ts';
import type { Store } from '../store.ts';

/**
 * The same store with every error of the driver wrapped as StoreUnavailable, and none after close. What a
 * watch throws once it is open it has wrapped itself.
 */
export function translateErrors(store: Store): Store {
  let closed = false;
  const guard =
    (name: string, method: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      if (closed && name !== 'close') return refuse(name);
      if (name === 'close') closed = true;
      const result = method.apply(store, args);
      // The hot path: it says StoreUnavailable itself, and another promise would cost.
      if (name === 'append') return result;
      return isIterable(result)
        ? iterate(name, result)
        : (result as Promise<unknown>).catch((error: unknown) => rethrow(name, error));
    };
  const entries = Object.entries(store).map(([name, member]) => [
    name,
    typeof member === 'function'
      ? guard(name, member as (...args: unknown[]) => unknown)
      : (member as unknown),
  ]);
  // Member by member the same functions with the same arguments, so it is the same contract.
  return Object.fromEntries(entries) as Store;
}

async function* iterate(name: string, items: AsyncIterable<unknown>): AsyncIterable<unknown> {
  try {
    yield* items;
  } catch (error) {
    rethrow(name, error);
  }
}

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

function rethrow(name: string, error: unknown): never {
  if (error instanceof MongoError) {
    throw new StoreUnavailable(`${name} failed (${error.name})`, { cause: error });
  }
  throw error;
}

function refuse(name: string): Promise<never> | AsyncIterable<never> {
  const closed = new StoreUnavailable(`it was closed before ${name}`);
  if (!name.startsWith('scan')) return Promise.reject(closed);
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(closed) }) };
}
