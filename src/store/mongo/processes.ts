import type { Db } from 'mongodb';
import type { ProcessBeat } from '../store.ts';
import type { Collections } from './collections.ts';
import { foldCounts } from './foldCounts.ts';

/** Which processes live and how far they have projected; see Store. Times of beats are the server's. */
export function createProcesses(db: Db, collections: Collections) {
  const { processes } = collections;
  return {
    /** Said again in a moment, so no disk need wait for it. */
    async beat(process: string, projectedUntil: Date): Promise<void> {
      await processes.updateOne({ _id: process }, [{ $set: { projectedUntil, beatAt: '$$NOW' } }], {
        upsert: true,
      });
    },

    async readBeats(): Promise<{ now: Date; beats: ProcessBeat[] }> {
      const { localTime } = await db.command({ hello: 1 });
      const records = await processes.find().toArray();
      return {
        now: localTime as Date,
        beats: records.map(({ _id, ...rest }) => ({ process: _id, ...rest })),
      };
    },

    async forgetProcess(process: string): Promise<void> {
      await foldCounts(collections, process);
      await processes.deleteOne({ _id: process });
    },
  };
}
