import { randomUUID } from 'node:crypto';
import type { ClientSession, Db } from 'mongodb';
import type { PlainLayout } from '../plainLayout.ts';

interface Entry {
  readonly _id: { readonly job: string; readonly seq: number };
  readonly name: string;
  readonly data: unknown;
  readonly at: Date;
}

interface Job {
  readonly _id: string;
  readonly type: string;
  readonly state: string;
  readonly version: number;
  readonly data: unknown;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What is compared with: an entry inserted and the job updated together, in a transaction of their own. */
export function openTransactionLayout(db: Db): PlainLayout {
  const jobs = db.collection<Job>('jobs');
  const entries = db.collection<Entry>('entries');
  const together = (work: (session: ClientSession) => Promise<void>): Promise<void> =>
    db.client.withSession((session) => session.withTransaction(work));
  return {
    async create(data) {
      const _id = randomUUID();
      const at = new Date();
      const job = { _id, type: 'pipelineJob', state: 'CREATED', version: 1, data };
      await together(async (session) => {
        await entries.insertOne(
          { _id: { job: _id, seq: 1 }, name: 'create', data, at },
          { session },
        );
        await jobs.insertOne({ ...job, createdAt: at, updatedAt: at }, { session });
      });
      return _id;
    },
    async send(_id, { version, name, state, data }) {
      const at = new Date();
      const entry = { _id: { job: _id, seq: version + 1 }, name, data, at };
      await together(async (session) => {
        await entries.insertOne(entry, { session });
        const { modifiedCount } = await jobs.updateOne(
          { _id, version },
          { $set: { state, updatedAt: at }, $inc: { version: 1 } },
          { session },
        );
        if (modifiedCount !== 1) throw new Error(`job ${_id} is not at version ${version}`);
      });
    },
  };
}
