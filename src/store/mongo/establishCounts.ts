import { MongoServerError } from 'mongodb';
import type { Collections } from './collections.ts';
import { keyOf } from './countKeys.ts';
import { baseId } from './foldCounts.ts';
import { duplicateKey } from './insertUnordered.ts';

/** A commit as far as counting goes. */
interface Move {
  readonly process: string;
  readonly nonce: number;
  readonly type: string;
  readonly from: string | null;
  readonly to: string | null;
}

/**
 * Makes the base of the counts from the log where there is none yet: in a new database at once, in one
 * that is older than the counts by reading it all, once. No process counts, nor writes, before it has
 * seen a base; of several that begin at once the first one's is taken. The base says of the processes that
 * a repair may still look at that their commits are counted.
 */
export async function establishCounts({ commits, counts, processes }: Collections): Promise<void> {
  if (await counts.findOne({ _id: baseId }, { projection: { _id: 1 } })) return;
  const sums = new Map<string, number>();
  const nonces = new Map<string, number>();
  const add = (type: string, state: unknown, jobs: number): void => {
    if (typeof state !== 'string') return;
    const key = keyOf(type, state);
    sums.set(key, (sums.get(key) ?? 0) + jobs);
  };
  const log = commits.aggregate<Move>([{ $project: ofMove }], { batchSize });
  for await (const { process, nonce, type, from, to } of log) {
    add(type, from, -1);
    add(type, to, 1);
    nonces.set(process, Math.max(nonce, nonces.get(process) ?? 0));
  }
  const repairable = await processes.find({}, { projection: { _id: 1 } }).toArray();
  const older = repairable.flatMap(({ _id }) => {
    const upTo = nonces.get(_id);
    return upTo === undefined ? [] : [{ process: _id, upTo }];
  });
  const sumsByKey = Object.fromEntries(sums);
  const beginning = { version: 1, upTo: 0, beyond: [] } as const;
  try {
    await counts.insertOne({ _id: baseId, ...beginning, isOpen: true, counts: sumsByKey, older });
  } catch (error) {
    const isTaken = error instanceof MongoServerError && error.code === duplicateKey;
    if (!isTaken) throw error;
  }
}

const batchSize = 10_000;

const ofMove = {
  _id: 0,
  process: 1,
  nonce: 1,
  type: 1,
  from: { $first: '$entries.from' },
  to: { $last: '$entries.to' },
} as const;
