/** For users' own tests: a store in memory, and fault points around any store. */
export { createMemoryStore } from '../store/memory/memoryStore.ts';
export type { Store } from '../store/store.ts';
export { withFaultPoints } from './faultPoints.ts';
