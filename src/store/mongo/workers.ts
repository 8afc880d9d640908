import { MongoServerError, type UpdateFilter } from 'mongodb';
import type { WorkerCounts, WorkerDocument, WorkerQuery, WorkerStatus } from '../workerStore.ts';
import type { Collections, WorkerRecord } from './collections.ts';
import { duplicateKey } from './insertUnordered.ts';

/** Workers as they were activated; see WorkerStore. */
export function createWorkerStore({ workers }: Pick<Collections, 'workers'>) {
  return {
    async addWorker({ name, programs, ...rest }: WorkerDocument): Promise<boolean> {
      try {
        await workers.insertOne({ _id: name, programs: Object.entries(programs), ...rest });
        return true;
      } catch (error) {
        if (error instanceof MongoServerError && error.code === duplicateKey) return false;
        throw error;
      }
    },

    async getWorker(name: string): Promise<WorkerDocument | null> {
      const record = await workers.findOne({ _id: { $eq: name } });
      return record && toWorker(record);
    },

    async listWorkers({ status, limit, after }: WorkerQuery): Promise<WorkerDocument[]> {
      const filter = {
        ...(status !== undefined && { status: { $eq: status } }),
        ...(after !== undefined && { _id: { $gt: after } }),
      };
      return (await workers.find(filter).sort({ _id: 1 }).limit(limit).toArray()).map(toWorker);
    },

    async workerStatuses(names: readonly string[]): Promise<Map<string, WorkerStatus>> {
      const projection = { status: 1 } as const;
      const found = await workers.find({ _id: { $in: names } }, { projection }).toArray();
      return new Map(found.map(({ _id, status }) => [_id, status]));
    },

    async beatWorker(
      name: string,
      now: Date,
      deadline: Date,
      more: Partial<WorkerCounts> = {},
    ): Promise<WorkerDocument | null> {
      const record = await workers.findOneAndUpdate(
        { _id: { $eq: name }, status: 'active' },
        { $max: { beatAt: now, deadline }, ...incrementsOf(more) },
        // Losing one to a failover costs an early end at the worst: it need not wait for the disk.
        { returnDocument: 'after', writeConcern: { w: 1 } },
      );
      return record && toWorker(record);
    },

    async endWorker(
      name: string,
      status: Exclude<WorkerStatus, 'active'>,
      at: Date,
      { onlySilent = false }: { readonly onlySilent?: boolean } = {},
    ): Promise<boolean> {
      const { matchedCount } = await workers.updateOne(
        { _id: { $eq: name }, status: 'active', ...(onlySilent && { deadline: { $lt: at } }) },
        { $set: { status, endedAt: at } },
      );
      return matchedCount === 1;
    },

    async silentWorkers(now: Date, limit: number): Promise<string[]> {
      const found = await workers
        .find({ status: 'active', deadline: { $lt: now } }, { projection: { _id: 1 } })
        .sort({ deadline: 1 })
        .limit(limit)
        .toArray();
      return found.map(({ _id }) => _id);
    },

    async countWork(name: string, more: Partial<WorkerCounts>): Promise<void> {
      const update = incrementsOf(more);
      if (update.$inc) await workers.updateOne({ _id: { $eq: name } }, update);
    },
  };
}

function incrementsOf(more: Partial<WorkerCounts>): UpdateFilter<WorkerRecord> {
  const changes = Object.entries(more).filter(([, count]) => count > 0);
  if (changes.length === 0) return {};
  const $inc = Object.fromEntries(changes.map(([key, count]) => [`counts.${key}`, count]));
  return { $inc };
}

/** Programs are kept as pairs: a name may have dots and dollars, and be `__proto__`. */
function toWorker({ _id, programs, ...rest }: WorkerRecord): WorkerDocument {
  return { name: _id, programs: Object.fromEntries(programs), ...rest };
}
