import { MongoClient } from 'mongodb';
import { afterAll, afterEach } from 'vitest';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { testDatabase } from '../support/database.ts';
import { describeStore } from './conformance/index.ts';

const { uri, database } = testDatabase();
const client = new MongoClient(uri);
/** Each store begins empty. A new database for each would be some fifty files, hundreds of times. */
const databases: string[] = [];
let free: string[] = [];

afterEach(async () => {
  const used = databases.filter((name) => !free.includes(name));
  await Promise.all(used.map(empty));
  free = [...databases];
});
afterAll(async () => {
  for (const name of databases) await client.db(name).dropDatabase();
  await client.close();
});

async function empty(name: string): Promise<void> {
  const db = client.db(name);
  const collections = await db.listCollections().toArray();
  await Promise.all(
    collections.map(async (each) => {
      // From one of limited size nothing can be deleted.
      const { capped } = (each as { options?: { capped?: boolean } }).options ?? {};
      if (capped) await db.dropCollection(each.name);
      else await db.collection(each.name).deleteMany({});
    }),
  );
}

function newName(): string {
  const name = `${database}_${databases.length}`;
  databases.push(name);
  return name;
}

describeStore('the store on MongoDB', async ({ linkedCollections } = {}) => {
  const name = free.shift() ?? newName();
  return openMongoStore({
    mongodb: uri,
    database: name,
    linkedCollections: linkedCollections ?? usualCollections,
    telemetry: new Telemetry(),
  });
});

const usualCollections = ['experiments', 'samples', 'measurements', 'files', 'references'];
