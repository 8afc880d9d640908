import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { Store } from '../../../src/store/store.ts';

export interface ConformanceOptions {
  readonly linkedCollections?: readonly string[];
}

/** Opens a store that holds nothing yet. */
export type MakeStore = (options?: ConformanceOptions) => Promise<Store>;

/** One store for all tests of a group, which keep apart by their job ids. */
export function useSharedStore(makeStore: MakeStore): () => Store {
  let store: Store | undefined;
  beforeAll(async () => void (store = await makeStore()));
  afterAll(async () => store?.close());
  return () => opened(store);
}

/** An empty store for each test of a group that looks at all there is. */
export function useFreshStore(makeStore: MakeStore): () => Store {
  let store: Store | undefined;
  beforeEach(async () => void (store = await makeStore()));
  afterEach(async () => store?.close());
  return () => opened(store);
}

function opened(store: Store | undefined): Store {
  if (!store) throw new Error('a store is open only while a test runs');
  return store;
}
