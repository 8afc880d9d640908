import { MongoServerError } from 'mongodb';
import type { CountMark, StateCount } from '../store.ts';
import type { Collections, CountRecord } from './collections.ts';
import { keyOf, toCounts } from './countKeys.ts';
import { baseId, incrementsOf } from './foldCounts.ts';
import { duplicateKey } from './insertUnordered.ts';

/** Whoever adds up must not see a process's counts on their way into the base. */
const atOneMoment = { readConcern: { level: 'snapshot' } } as const;

/**
 * Counts of jobs, see Store: a document a process that counts, and one that holds those of all processes
 * that are gone, so that adding up is reading a handful.
 */
export function createCounts({ counts }: Pick<Collections, 'counts'>) {
  return {
    async count(
      process: string,
      { version, upTo, beyond }: CountMark,
      changes: readonly StateCount[],
    ): Promise<boolean> {
      const $inc = incrementsOf(sumUp(changes));
      const update = {
        $set: { version, upTo, beyond, isOpen: true as const },
        $unset: { goneAt: 1 as const },
        ...(Object.keys($inc).length > 0 && { $inc }),
      };
      try {
        // Before version 1 there is nothing to be found, so it is made; unless somebody has by now.
        const { matchedCount, upsertedCount } = await counts.updateOne(
          { _id: process, version: version - 1 },
          update,
          { upsert: version === 1 },
        );
        return matchedCount + upsertedCount === 1;
      } catch (error) {
        if (error instanceof MongoServerError && error.code === duplicateKey) return false;
        throw error;
      }
    },

    async readCountMark(process: string): Promise<CountMark | null> {
      const records = await counts.find({ _id: { $in: [process, baseId] } }, ofMarks).toArray();
      return marksOf(records).get(process) ?? null;
    },

    async readCounts(): Promise<StateCount[]> {
      const projection = { counts: 1, cleared: 1, taken: 1 } as const;
      const options = { projection, ...atOneMoment };
      return toCounts(await counts.find({ isOpen: true }, options).toArray());
    },

    async readCountedLog() {
      const records = await counts.find({}, atOneMoment).toArray();
      return { counts: toCounts(records), marks: marksOf(records) };
    },
  };
}

const ofMarks = { projection: { version: 1, upTo: 1, beyond: 1, older: 1 } } as const;

function marksOf(records: readonly CountRecord[]): Map<string, CountMark> {
  const base = records.find(({ _id }) => _id === baseId);
  const older = base?.older ?? [];
  const marks = new Map<string, CountMark>(
    older.map(({ process, upTo }) => [process, { version: 0, upTo, beyond: [] }]),
  );
  for (const { _id, version, upTo, beyond } of records) {
    if (_id !== baseId) marks.set(_id, { version, upTo, beyond });
  }
  return marks;
}

/** Several changes of one state are one. */
function sumUp(changes: readonly StateCount[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const { type, state, jobs } of changes) {
    const key = keyOf(type, state);
    sums.set(key, (sums.get(key) ?? 0) + jobs);
  }
  return Object.fromEntries(sums);
}
