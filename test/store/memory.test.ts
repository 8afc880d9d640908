import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { buildCommit, sometime } from './conformance/builders.ts';
import { describeStore } from './conformance/index.ts';

describeStore('the store in memory', async (options) => createMemoryStore(options));

describe('createMemoryStore', () => {
  it('reads the clock it is given', async () => {
    const store = createMemoryStore({ now: () => sometime });
    await store.beat('one', new Date(0));
    const beat = { process: 'one', projectedUntil: new Date(0), beatAt: sometime };
    expect(await store.readBeats()).toEqual({ now: sometime, beats: [beat] });
  });

  it('knows the usual linked collections', () => {
    const usual = ['experiments', 'samples', 'measurements', 'files', 'references'];
    expect(createMemoryStore().linkedCollections).toEqual(usual);
  });

  it('has taken its copy when the call returns, before it is awaited', async () => {
    const store = createMemoryStore();
    const commit = buildCommit();
    const kept = structuredClone(commit);
    const appending = store.append(commit);
    Object.assign(commit, { seq: 9 });
    await appending;
    expect(await store.readHead(kept.job)).toEqual(kept);
  });

  it('shares nothing with another store', async () => {
    const [one, other] = [createMemoryStore(), createMemoryStore()];
    const commit = buildCommit();
    await one.append(commit);
    expect(await other.readHead(commit.job)).toBeNull();
  });
});
