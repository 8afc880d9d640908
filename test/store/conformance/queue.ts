import { describe, expect, it } from 'vitest';
import { laneOf, readLane } from '../../../src/store/queueStore.ts';
import type { JobDocument } from '../../../src/store/store.ts';
import { after, buildJob, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

type Place = Partial<NonNullable<JobDocument['queue']>>;

const gpu = laneOf({ tag: 'gpu', needs: [] });
const gpuPsi4 = laneOf({ tag: 'gpu', needs: ['psi4'] });

function waiting(id: string, place: Place = {}): JobDocument {
  const queue = { lane: gpu, priority: 500, since: sometime, readyAt: new Date(0), ...place };
  return buildJob({ id, queue });
}
const heldBy = (id: string, worker: string, since = sometime, epoch = 1): JobDocument =>
  buildJob({ id, lease: { worker, epoch, since } });
/** The next document of a job that neither waits nor is held any more. */
function moved({ queue: _queue, lease: _lease, ...job }: JobDocument): JobDocument {
  return { ...job, seq: job.seq + 1 };
}

/** Jobs that wait for workers, and jobs that workers have. */
export function describeQueue(makeStore: MakeStore): void {
  const store = useFreshStore(makeStore);
  const project = (...jobs: JobDocument[]) => store().project(jobs, []);
  const read = async (lanes: readonly string[], limit = 100) =>
    (await store().readQueue({ lanes, now: sometime, limit })).map(({ id }) => id);

  describe('laneOf', () => {
    it('can be read back', () => {
      for (const lane of [
        { tag: 'a', needs: [] },
        { tag: 'a b', needs: ['p', 'q'] },
      ])
        expect(readLane(laneOf(lane))).toEqual(lane);
    });
  });

  describe('readQueue', () => {
    it('gives the higher priority first, then the older, then by id, whatever the lane', async () => {
      await project(
        waiting('d'),
        waiting('c', { lane: gpuPsi4 }),
        waiting('low', { priority: 1 }),
        waiting('old', { since: after(-1) }),
        waiting('older', { since: after(-2), lane: gpuPsi4 }),
        waiting('high', { priority: 501, since: after(9), lane: gpuPsi4 }),
      );
      const order = ['high', 'older', 'old', 'c', 'd', 'low'];
      expect(await read([gpu, gpuPsi4])).toEqual(order);
      expect(await read([gpuPsi4, gpu], 3)).toEqual(order.slice(0, 3));
      expect(await read([gpu])).toEqual(['old', 'd', 'low']);
    });

    it('tells the priority of each', async () => {
      await project(waiting('a', { priority: 7 }));
      const query = { lanes: [gpu], now: sometime, limit: 1 };
      expect(await store().readQueue(query)).toEqual([{ id: 'a', priority: 7 }]);
    });

    it('gives nothing of no lane, of another one, and of no limit', async () => {
      await project(waiting('a'));
      expect(await read([])).toEqual([]);
      expect(await read(['other'])).toEqual([]);
      expect(await read([gpu], 0)).toEqual([]);
    });

    it('leaves out those whose time has not come', async () => {
      await project(
        waiting('later', { readyAt: after(1), priority: 900 }),
        waiting('now', { readyAt: sometime }),
      );
      expect(await read([gpu])).toEqual(['now']);
    });

    it('keeps the order over more lanes than one query takes', async () => {
      const lanes = Array.from({ length: 230 }, (_, index) => `lane ${index}`);
      await project(
        ...lanes.map((lane, index) => waiting(`job ${index}`, { lane, priority: index })),
      );
      expect(await read(lanes, 3)).toEqual(['job 229', 'job 228', 'job 227']);
      expect(await read(lanes, 500)).toHaveLength(230);
    });

    it('follows the document: who was claimed, or removed, is not in it', async () => {
      const [claimed, removed] = [waiting('claimed'), waiting('removed')];
      await project(claimed, removed, waiting('left'));
      await project(moved(claimed));
      await store().finishRemoval('removed', 2);
      expect(await read([gpu])).toEqual(['left']);
    });
  });

  describe('listLanes and countQueue', () => {
    it('tell of each lane once, and how many stand in it', async () => {
      const last = waiting('last', { lane: 'empty soon' });
      await project(waiting('a'), waiting('b'), waiting('c', { lane: gpuPsi4 }), last);
      await project(moved(last));
      expect((await store().listLanes()).sort()).toEqual([gpu, gpuPsi4]);
      const counts = await store().countQueue();
      expect(counts.sort((one, other) => other.jobs - one.jobs)).toEqual([
        { lane: gpu, jobs: 2 },
        { lane: gpuPsi4, jobs: 1 },
      ]);
    });

    it('tell of nothing where nothing waits', async () => {
      await project(heldBy('a', 'w'));
      expect(await store().listLanes()).toEqual([]);
      expect(await store().countQueue()).toEqual([]);
    });
  });

  describe('listHolders and readHeld', () => {
    it('tell who has which jobs, the longest held first', async () => {
      const given = heldBy('given back', 'other');
      await project(
        heldBy('second', 'w', sometime, 3),
        heldBy('first', 'w', after(-1)),
        heldBy('third', 'w', after(1)),
        heldBy('else', 'v'),
        given,
      );
      await project(moved(given));
      expect((await store().listHolders()).sort()).toEqual(['v', 'w']);
      expect(await store().readHeld('w', 2)).toEqual([
        { job: 'first', lease: { worker: 'w', epoch: 1, since: after(-1) } },
        { job: 'second', lease: { worker: 'w', epoch: 3, since: sometime } },
      ]);
      expect(await store().readHeld('nobody', 10)).toEqual([]);
    });
  });
}
