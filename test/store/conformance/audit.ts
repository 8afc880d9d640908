import { describe, expect, it } from 'vitest';
import { after, buildAudit } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

/** Administrative attempts, kept beside the log. */
export function describeAudit(makeStore: MakeStore): void {
  describe('putAudit and listAudit', () => {
    const store = useFreshStore(makeStore);

    it('gives records back as they were, the newest first', async () => {
      const nobody = { actor: null, jobId: null, tokenId: null, code: null, requestId: null };
      const records = [
        buildAudit(),
        buildAudit({ suppressed: 3, at: after(1) }),
        buildAudit({ ...nobody, outcome: 'done', reason: 'a mistake' }),
      ];
      for (const record of records) await store().putAudit(record);
      expect(await store().listAudit(10)).toEqual(records.toReversed());
      expect(await store().listAudit(2)).toEqual(records.toReversed().slice(0, 2));
    });

    it('gives nothing where there was nothing', async () => {
      expect(await store().listAudit(10)).toEqual([]);
    });
  });
}
