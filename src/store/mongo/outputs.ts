import { randomUUID } from 'node:crypto';
import { GridFSBucket, type Binary } from 'mongodb';
import type { LooseOutput, OutputStore } from '../outputStore.ts';
import { clientOptions, type Collections } from './collections.ts';

/** What GridFS keeps of one file. */
interface FileRecord {
  readonly _id: string;
  readonly metadata?: { readonly job: string };
}
interface ChunkRecord {
  readonly files_id: string;
  readonly n: number;
  readonly data: Binary;
}

/**
 * Outputs in GridFS, bucket `outputs`. Which are loose stands apart, written before the first chunk: so an
 * output that was never stored to its end is found as well. See OutputStore.
 */
export function createOutputs({ db, looseOutputs }: Collections): OutputStore {
  const bucket = new GridFSBucket(db, {
    bucketName: 'outputs',
    writeConcern: clientOptions.writeConcern,
  });
  const files = db.collection<FileRecord>('outputs.files');
  const chunks = db.collection<ChunkRecord>('outputs.chunks');

  return {
    async putOutput(job, bytes, storedAt) {
      const id = randomUUID();
      await looseOutputs.insertOne({ _id: id, job, bytes: bytes.length, storedAt });
      // An id of one's own is allowed, though the driver's types know but its usual ones.
      const upload = bucket.openUploadStreamWithId(id as never, job, { metadata: { job } });
      await new Promise<void>((resolve, reject) => {
        upload.once('error', reject).once('finish', resolve).end(bytes);
      });
      return id;
    },

    async readOutput(job, id) {
      const file = await files.findOne({ _id: id, 'metadata.job': job });
      if (!file) return null;
      const parts = await chunks.find({ files_id: id }).sort({ n: 1 }).toArray();
      return Buffer.concat(parts.map(({ data }) => data.value()));
    },

    async removeOutputs(job, ids) {
      // What was stored to its end says whose it is; of the rest only the loose ones' list does.
      const [ended, begun] = await Promise.all([
        files.find({ _id: { $in: [...ids] }, 'metadata.job': job }).toArray(),
        looseOutputs.find({ _id: { $in: [...ids] }, job }).toArray(),
      ]);
      const own = [...new Set([...ended, ...begun].map(({ _id }) => _id))];
      if (own.length === 0) return;
      await chunks.deleteMany({ files_id: { $in: own } });
      await files.deleteMany({ _id: { $in: own } });
      await looseOutputs.deleteMany({ _id: { $in: own } });
    },

    async looseOutputs(before, limit) {
      const found = looseOutputs.find({ storedAt: { $lt: before } });
      const records = await found.sort({ storedAt: 1 }).limit(limit).toArray();
      return records.map(({ _id: id, ...rest }): LooseOutput => ({ id, ...rest }));
    },

    async keepOutputs(ids) {
      await looseOutputs.deleteMany({ _id: { $in: [...ids] } });
    },
  };
}
