import { MongoClient } from 'mongodb';
import { afterAll } from 'vitest';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { testDatabase } from '../support/database.ts';
import { describeStore } from './conformance/index.ts';

const { uri, database } = testDatabase();
/** Every store opened gets a database of its own, as each is to begin empty. */
const databases: string[] = [];

afterAll(async () => {
  const client = new MongoClient(uri);
  for (const name of databases) await client.db(name).dropDatabase();
  await client.close();
});

describeStore('the store on MongoDB', async ({ linkedCollections } = {}) => {
  const name = `${database}_${databases.length}`;
  databases.push(name);
  return openMongoStore({
    mongodb: uri,
    database: name,
    linkedCollections: linkedCollections ?? usualCollections,
    telemetry: new Telemetry(),
  });
});

const usualCollections = ['experiments', 'samples', 'measurements', 'files', 'references'];
