import { MongoServerError, type Db } from 'mongodb';
import type { AuditRecord } from '../store.ts';
import type { Collections } from './collections.ts';

/** The newest records stay; about 50,000 of them have room. */
const auditBytes = 16 * 1024 * 1024;
const namespaceExists = 48;

/** Makes the bounded collection, unless it is there or another process makes it now. */
export async function makeAuditCollection(db: Db): Promise<void> {
  try {
    await db.createCollection('audit', { capped: true, size: auditBytes });
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== namespaceExists) throw error;
  }
}

/** Records of administrative attempts; see Store. */
export function createAudit({ audit }: Collections) {
  return {
    async putAudit(record: AuditRecord): Promise<void> {
      // A copy: the driver puts an id into what it is given.
      await audit.insertOne({ ...record });
    },

    async listAudit(limit: number): Promise<AuditRecord[]> {
      const newest = audit.find({}, { projection: { _id: 0 } }).sort({ $natural: -1 });
      return newest.limit(limit).toArray();
    },
  };
}
