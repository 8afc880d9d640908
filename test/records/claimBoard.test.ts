import { expect, it } from 'vitest';
import { ClaimBoard } from '../../src/records/claimBoard.ts';
import type { LiveJob } from '../../src/jobs/liveJob.ts';

const lane = 'default';
function board(
  count: number,
  readProjected: () => Promise<never>,
  atHand: (id: string) => boolean,
) {
  const jobs = new Map(
    Array.from({ length: count }, (_n, i) => [`j${i}`, { id: `j${i}`, seq: 1 } as LiveJob]),
  );
  let reads = 0;
  const b = new ClaimBoard({
    store: {
      listLanes: async () => [lane],
      readQueue: async ({ limit }: { limit: number }) => (
        reads++,
        [...jobs.keys()].slice(0, limit).map((id) => ({ id, priority: 5 }))
      ),
      readProjected,
    },
    live: { peek: (id: string) => (atHand(id) ? jobs.get(id) : undefined) },
    now: Date.now,
    takeToHand: () => undefined,
    workOf: () => ({ queue: { tag: 'default', priority: 5, needs: [], readyAt: null } }),
  });
  return { b, reads: () => reads };
}
it('keeps nothing given where the reading failed', async () => {
  let isDown = true;
  const { b } = board(
    10,
    async () => {
      if (isDown) throw new Error('down');
      return new Map() as never;
    },
    (id) => id !== 'j9',
  );
  await expect(b.take([lane], 10)).rejects.toThrow('down');
  isDown = false;
  expect((await b.take([lane], 9)).length).toBe(9);
});
it('serves many that ask at once', async () => {
  const { b } = board(
    1000,
    async () => new Map() as never,
    () => true,
  );
  const first = b.take([lane], 1);
  const all = await Promise.all(Array.from({ length: 170 }, () => b.take([lane], 200)));
  await first;
  expect(all.flat().length).toBe(999);
});
