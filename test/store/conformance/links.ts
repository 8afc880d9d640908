import { describe, expect, it } from 'vitest';
import type { LinkField } from '../../../src/store/store.ts';
import { linkFields } from '../../../src/store/store.ts';
import { buildJob, buildSetup, newJobId } from './builders.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

/** Links to a job: found, counted, and pulled from every document. */
export function describeLinks(makeStore: MakeStore): void {
  describe('countLinks, unlinkDocuments and jobsLinkingTo', () => {
    const store = useSharedStore(makeStore);

    it('pulls a job from every link field of every linked collection', async () => {
      const [job, other] = [newJobId(), newJobId()];
      const collections = store().linkedCollections;
      for (const collection of collections) {
        const id = `all-${collection}`;
        const fields = Object.fromEntries(linkFields.map((field) => [field, [other, job, other]]));
        await store().putDocument(collection, { id, name: job, note: [job], ...fields });
      }
      expect(await store().countLinks(job)).toBe(collections.length);
      expect(await store().unlinkDocuments(job)).toBe(collections.length);
      for (const collection of collections) {
        const id = `all-${collection}`;
        const fields = Object.fromEntries(linkFields.map((field) => [field, [other, other]]));
        const expected = { id, name: job, note: [job], ...fields };
        expect(await store().getDocument(collection, id)).toEqual(expected);
      }
      expect(await store().countLinks(job)).toBe(0);
      expect(await store().countLinks(other)).toBe(collections.length);
    });

    it.each(linkFields)('pulls a job that stands in %s alone', async (field) => {
      const job = newJobId();
      const id = `alone-${field}`;
      await store().putDocument('samples', { id, [field]: [job] });
      expect(await store().countLinks(job)).toBe(1);
      expect(await store().unlinkDocuments(job)).toBe(1);
      expect(await store().getDocument('samples', id)).toEqual({ id, [field]: [] });
    });

    it('counts the documents it changed, and none when it is repeated', async () => {
      const job = newJobId();
      await store().putDocument('samples', { id: 'once', child_of: [job] });
      await store().putDocument('samples', { id: 'twice', child_of: [job, job], acted_on: [job] });
      await store().putDocument('samples', { id: 'not', generated_by: [newJobId()], note: job });
      expect(await store().unlinkDocuments(job)).toBe(2);
      expect(await store().unlinkDocuments(job)).toBe(0);
      const twice = { id: 'twice', child_of: [], acted_on: [] };
      expect(await store().getDocument('samples', 'twice')).toEqual(twice);
    });

    it('finds the jobs that have an id in any link field now', async () => {
      const id = newJobId();
      const linking = linkFields.map((field: LinkField) => buildJob({ links: { [field]: [id] } }));
      const unlinked = buildJob({ setup: buildSetup({ links: { child_of: [id] } }) });
      await store().project([...linking, unlinked], []);
      const found = await store().jobsLinkingTo(id, 100);
      expect(found.sort()).toEqual(linking.map((job) => job.id).sort());
      expect(await store().jobsLinkingTo(id, 3)).toHaveLength(3);
      expect(await store().jobsLinkingTo(newJobId(), 3)).toEqual([]);
      expect(await store().countLinks(id)).toBe(linkFields.length);
    });

    it('counts documents and jobs, each once', async () => {
      const id = newJobId();
      await store().putDocument('files', { id: 'both', child_of: [id], derived_from: [id] });
      const links = { acted_on: [id], acted_using: [id] };
      const job = buildJob({ links });
      await store().project([job], []);
      expect(await store().countLinks(id)).toBe(2);
      await store().project([{ ...job, seq: 2, links: {} }], []);
      expect(await store().countLinks(id)).toBe(1);
      expect(await store().jobsLinkingTo(id, 10)).toEqual([]);
    });
  });
}
