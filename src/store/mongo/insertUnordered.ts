import type { Db, Document } from 'mongodb';
import { clientOptions } from './collections.ts';

/** Why one document of an unordered insert was not stored; `index` is its place in the insert. */
export interface WriteError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
}

/**
 * Inserts documents in any order, journaled by a majority, and tells which of them were refused. Rejects
 * with the driver's error where the outcome of all is unknown, a majority that was not reached included.
 *
 * The bare command: the driver's `insertMany` takes twice the processor time of the client a document. It
 * would send a lost batch once more by itself; here that is for the caller, whose ids make it harmless.
 */
export async function insertUnordered(
  db: Db,
  collection: string,
  documents: readonly Document[],
): Promise<readonly WriteError[]> {
  const { writeErrors = [] } = (await db.command({
    insert: collection,
    documents,
    ordered: false,
    writeConcern,
  })) as { writeErrors?: readonly WriteError[] };
  return writeErrors;
}

const { w, journal: j } = clientOptions.writeConcern;
const writeConcern = { w, j };

/** A unique index has the key already. */
export const duplicateKey = 11000;
