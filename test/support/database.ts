import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { afterAll, inject } from 'vitest';

/** The URI of the run's MongoDB: a one-node replica set that accepts majority writes. */
export const testMongoUri = (): string => inject('mongodbUri');

/**
 * A database of its own for a test file or a `describe`, dropped after it.
 * Call it where hooks may be registered: not inside a test.
 */
export const testDatabase = (): { uri: string; database: string } => {
  const uri = testMongoUri();
  const database = `test_${randomUUID().replaceAll('-', '')}`;
  afterAll(() => dropDatabase(uri, database));
  return { uri, database };
};

const dropDatabase = async (uri: string, database: string): Promise<void> => {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    await client.db(database).dropDatabase();
  } finally {
    await client.close();
  }
};
