import { MongoClient } from 'mongodb';
import { afterAll, describe, expect, it } from 'vitest';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import type { AppendOutcome, Commit, Store } from '../../src/store/store.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { buildCommit, buildEntry } from '../store/conformance/builders.ts';
import { testDatabase } from '../support/database.ts';
import { startTcpProxy, type Fate } from '../support/tcpProxy.ts';
import { isLong, seededRandom } from '../support/waitUntil.ts';

const { uri, database } = testDatabase();
const jobCount = 20;
const cutsWanted = isLong ? 500 : 24;
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** What became of a commit as its sender was told. */
interface Told {
  readonly commit: Commit;
  readonly outcome: AppendOutcome;
}

const open = async (mongodb: string, telemetry = new Telemetry()): Promise<Store> => {
  const store = await openMongoStore({ mongodb, database, linkedCollections: [], telemetry });
  closing.push(() => store.close());
  return store;
};

/** The store through a proxy that cuts half of all inserts off, one way or another. */
async function openThroughCuts() {
  const random = seededRandom(7);
  const cuts = { lose: 0, answer: 0, early: 0, pass: 0 };
  let isCutting = false;
  const decide = (request: Buffer): Fate => {
    if (!isCutting || !request.includes('insert\0') || !request.includes('commits\0'))
      return 'pass';
    const fate = (['pass', 'pass', 'pass', 'lose', 'answer', 'early'] as const)[
      Math.floor(random() * 6)
    ];
    cuts[fate ?? 'pass'] += 1;
    return fate ?? 'pass';
  };
  const { hostname, port } = new URL(uri.replace('mongodb:', 'http:'));
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) }, decide);
  closing.push(() => proxy.close());
  const through = uri.replace(/\/\/[^/]+/, `//127.0.0.1:${proxy.port}`);
  const direct = through.includes('directConnection')
    ? through
    : `${through}&directConnection=true`;
  const telemetry = new Telemetry();
  let unknown = 0;
  telemetry.on('commit.unknown', () => (unknown += 1));
  const store = await open(direct, telemetry);
  isCutting = true;
  return {
    store,
    cuts,
    total: () => cuts.lose + cuts.answer + cuts.early,
    unknown: () => unknown,
  };
}

describe('answers that are lost on their way', () => {
  it(
    'leave every commit acknowledged exactly as it is in the log',
    async () => {
      const cut = await openThroughCuts();
      const rival = await open(uri);
      const told: Told[] = [];
      let nonce = 0;
      const write = async (store: Store, process: string, job: string): Promise<void> => {
        for (let seq = 1; cut.total() < cutsWanted; seq += 1) {
          nonce += 1;
          // A key of a commit that was acknowledged comes again now and then.
          const key = seq % 5 === 0 ? `${process}-${seq - 1}` : `${process}-${seq}`;
          const entries = [buildEntry({ key, keyCount: 1 })];
          const commit = buildCommit({ job, seq, process, nonce, entries });
          told.push({ commit, outcome: await store.append(commit) });
          if (told.at(-1)?.outcome === 'repeated') {
            nonce += 1;
            const other = buildCommit({ job, seq, process, nonce });
            told.push({ commit: other, outcome: await store.append(other) });
          }
        }
      };
      const jobs = Array.from({ length: jobCount }, (_each, index) => `job-${index}`);
      await Promise.all(
        jobs.flatMap((job, index) => [
          write(cut.store, 'cut', job),
          ...(index % 4 === 0 ? [write(rival, 'rival', job)] : []),
        ]),
      );
      const { lost, doubled, wrong } = await compare(told);
      const count = (outcome: AppendOutcome) =>
        told.filter((each) => each.outcome === outcome).length;
      console.info(
        `lost answers: ${cut.total()} connections cut (${JSON.stringify(cut.cuts)}), ` +
          `${cut.unknown()} unknown outcomes resolved; ${count('appended')} acknowledged, ` +
          `${count('conflict')} conflicts, ${count('repeated')} repeats; ` +
          `lost ${lost.length}, doubled ${doubled.length}`,
      );
      expect({ lost, doubled, wrong }).toEqual({ lost: [], doubled: [], wrong: [] });
      expect(cut.unknown()).toBeGreaterThan(0);
    },
    isLong ? 900_000 : 240_000,
  );
});

/** Holds what senders were told against what is there. */
async function compare(told: readonly Told[]) {
  const client = await new MongoClient(uri, { readConcernLevel: 'majority' }).connect();
  closing.push(() => client.close());
  const records = await client.db(database).collection<Raw>('commits').find().toArray();
  const present = new Map<string, number>();
  for (const record of records) present.set(idOf(record), (present.get(idOf(record)) ?? 0) + 1);
  const named = told.map(({ commit, outcome }) => ({ id: idOf(commit), outcome }));
  const acknowledged = named.filter(({ outcome }) => outcome === 'appended').map(({ id }) => id);
  return {
    lost: acknowledged.filter((id) => !present.has(id)),
    doubled: [...present].filter(([, times]) => times > 1).map(([id]) => id),
    /** There, though the sender was told that it is not; or there, and nobody was told. */
    wrong: [...present.keys()].filter((id) => !acknowledged.includes(id)),
  };
}

interface Raw {
  readonly _id: never;
  readonly process: string;
  readonly nonce: number;
}

const idOf = ({ process, nonce }: Pick<Raw, 'process' | 'nonce'>): string => `${process}:${nonce}`;
