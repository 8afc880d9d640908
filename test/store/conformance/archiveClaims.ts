import { describe, expect, it } from 'vitest';
import { type MakeStore, useSharedStore } from './useStore.ts';

/** Explicit archive paths: never two jobs in one directory. */
export function describeArchiveClaims(makeStore: MakeStore): void {
  describe('claimArchive and releaseArchive', () => {
    const store = useSharedStore(makeStore);

    it.each([
      { what: 'the same path', held: '/products/v2/same', wanted: '/products/v2/same' },
      { what: 'a path inside', held: '/products/v2/in', wanted: '/products/v2/in/b/c' },
      { what: 'a path around', held: '/products/v2/out/b/c', wanted: '/products/v2/out' },
    ])("refuses $what of another job's, naming it", async ({ held, wanted }) => {
      expect(await store().claimArchive(held, 'holder')).toBeNull();
      expect(await store().claimArchive(wanted, 'rival')).toBe('holder');
      await store().releaseArchive(held, 'holder');
      expect(await store().claimArchive(held, 'third')).toBeNull();
    });

    it('tells whose a very path is', async () => {
      await store().claimArchive('/products/v2/own/a', 'holder');
      expect(await store().archiveOwner('/products/v2/own/a')).toBe('holder');
      expect(await store().archiveOwner('/products/v2/own')).toBeNull();
      await store().releaseArchive('/products/v2/own/a', 'holder');
      expect(await store().archiveOwner('/products/v2/own/a')).toBeNull();
    });

    it.each([
      { held: '/products/v2/seg/a', wanted: '/products/v2/seg/ab' },
      { held: '/products/v2/dot/a', wanted: '/products/v2/dot/a.b' },
      { held: '/products/v2/dash/a', wanted: '/products/v2/dash/a-b/c' },
      { held: '/products/v2/sib/a', wanted: '/products/v2/sib/b' },
      { held: '/products/v2/long/ab', wanted: '/products/v2/long/a' },
      { held: '/products/v2/meta/a.c', wanted: '/products/v2/meta/abc/d' },
    ])('gives $wanted beside $held: paths differ by segments', async ({ held, wanted }) => {
      expect(await store().claimArchive(held, 'holder')).toBeNull();
      expect(await store().claimArchive(wanted, 'rival')).toBeNull();
    });

    it('gives a job its own path again, and keeps it once released', async () => {
      const path = '/products/v2/again';
      expect(await store().claimArchive(path, 'a')).toBeNull();
      expect(await store().claimArchive(path, 'a')).toBeNull();
      await store().releaseArchive(path, 'a');
      expect(await store().claimArchive(path, 'b')).toBeNull();
      await store().releaseArchive(path, 'a');
      expect(await store().claimArchive(path, 'a')).toBe('b');
    });

    it('releases only what the job itself holds, only at that path', async () => {
      const path = '/products/v2/release/a';
      await store().claimArchive(path, 'holder');
      await store().releaseArchive(path, 'rival');
      await store().releaseArchive('/products/v2/release', 'holder');
      await store().releaseArchive(`${path}/b`, 'holder');
      expect(await store().claimArchive(path, 'rival')).toBe('holder');
    });

    it('gives overlapping paths claimed at once to one job at most, and leaves nothing of the refused', async () => {
      for (let round = 0; round < 10; round += 1) {
        const base = `/products/v2/race-${round}`;
        const wanted = [`${base}/a`, base, `${base}/a/b`, `${base}/a`, `${base}/a/b/c`];
        const answers = await Promise.all(
          wanted.map((path, index) => store().claimArchive(path, `job-${index}`)),
        );
        const winners = wanted.flatMap((path, index) =>
          answers[index] === null ? [{ path, job: `job-${index}` }] : [],
        );
        expect(winners.length).toBeLessThanOrEqual(1);
        for (const { path, job } of winners) await store().releaseArchive(path, job);
        expect(await store().claimArchive(base, 'after')).toBeNull();
      }
    });

    it('gives paths claimed at once that do not overlap to all', async () => {
      const claims = Array.from({ length: 20 }, (_, index) =>
        store().claimArchive(`/products/v2/apart/${index}`, `apart-${index}`),
      );
      expect(new Set(await Promise.all(claims))).toEqual(new Set([null]));
    });
  });
}
