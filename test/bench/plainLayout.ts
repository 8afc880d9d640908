import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';

/** What is compared with: the job as one document that holds its history, one conditional update an event. */
export interface PlainLayout {
  create(data: unknown, history?: readonly PlainEntry[]): Promise<string>;
  send(id: string, event: PlainEvent): Promise<void>;
}

interface PlainEvent {
  readonly version: number;
  readonly name: string;
  readonly state: string;
  readonly data: unknown;
}

export interface PlainEntry {
  readonly name: string;
  readonly data: unknown;
  readonly at: Date;
}

interface PlainJob {
  readonly _id: string;
  readonly type: string;
  readonly state: string;
  readonly version: number;
  readonly data: unknown;
  readonly history: readonly PlainEntry[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export function openPlainLayout(db: Db): PlainLayout {
  const jobs = db.collection<PlainJob>('jobs');
  return {
    async create(data, history = []) {
      const _id = randomUUID();
      const at = new Date();
      await jobs.insertOne({
        _id,
        type: 'pipelineJob',
        state: 'CREATED',
        version: history.length + 1,
        data,
        history: [{ name: 'create', data, at }, ...history],
        createdAt: at,
        updatedAt: at,
      });
      return _id;
    },
    async send(_id, { version, name, state, data }) {
      const at = new Date();
      const { modifiedCount } = await jobs.updateOne(
        { _id, version },
        {
          $set: { state, updatedAt: at },
          $inc: { version: 1 },
          $push: { history: { name, data, at } },
        },
      );
      if (modifiedCount !== 1) throw new Error(`job ${_id} is not at version ${version}`);
    },
  };
}
