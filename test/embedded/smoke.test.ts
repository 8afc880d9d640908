import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { testDatabase } from '../support/database.ts';
const { uri, database } = testDatabase();
it('smoke', async () => {
  const c = new MongoClient(uri);
  await c.db(database).collection('x').insertOne({ a: 1 }, { writeConcern: { w: 'majority', j: true } });
  expect(await c.db(database).collection('x').countDocuments()).toBe(1);
  await c.close();
});
