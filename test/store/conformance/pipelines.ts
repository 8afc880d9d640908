import { describe, expect, it } from 'vitest';
import { after, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

const pipeline = { id: 'p', name: 'A pipeline', description: 'What it does', metadata: {} };

/** Registered pipelines. */
export function describePipelines(makeStore: MakeStore): void {
  describe('putPipeline, getPipeline and listPipelines', () => {
    const store = useFreshStore(makeStore);

    it('creates a pipeline', async () => {
      const expected = { ...pipeline, createdAt: sometime, updatedAt: sometime };
      expect(await store().putPipeline(pipeline, sometime)).toEqual(expected);
      expect(await store().getPipeline('p')).toEqual(expected);
    });

    it('replaces a pipeline but for the time it was created', async () => {
      await store().putPipeline({ ...pipeline, metadata: { old: 1 } }, sometime);
      const next = { id: 'p', name: 'Renamed', description: '', metadata: { new: [2] } };
      const expected = { ...next, createdAt: sometime, updatedAt: after(1) };
      expect(await store().putPipeline(next, after(1))).toEqual(expected);
      expect(await store().getPipeline('p')).toEqual(expected);
      expect(await store().listPipelines()).toEqual([expected]);
    });

    it('lists pipelines by id', async () => {
      for (const id of ['b', 'c', 'a']) await store().putPipeline({ ...pipeline, id }, sometime);
      expect((await store().listPipelines()).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    });

    it('has none that was not put', async () => {
      expect(await store().getPipeline('p')).toBeNull();
      expect(await store().listPipelines()).toEqual([]);
    });

    it('creates one pipeline when several put it at once', async () => {
      await Promise.all([1, 2, 3, 4].map(() => store().putPipeline(pipeline, sometime)));
      const expected = { ...pipeline, createdAt: sometime, updatedAt: sometime };
      expect(await store().listPipelines()).toEqual([expected]);
    });

    it('keeps names and metadata as plain data', async () => {
      const metadata = { $where: '$name', 'a.b': { $set: { c: null } }, list: [1.5, '$$NOW'] };
      const plain = { id: '$id', name: '$name', description: '$$ROOT', metadata };
      for (const now of [sometime, after(1)]) await store().putPipeline(plain, now);
      const expected = { ...plain, createdAt: sometime, updatedAt: after(1) };
      expect(await store().getPipeline('$id')).toEqual(expected);
    });
  });
}
