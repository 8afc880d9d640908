import { BSON, type Collection, type Document } from 'mongodb';
import type { Changing } from '../../machine/changing.ts';
import type { JobRecord } from './collections.ts';

/** A statement must fit into one document of the database, which has 16 MB. */
const statement = { moves: 500, bytes: 8 * 1024 * 1024 };

/**
 * Moves documents that are there and behind: of a job only what its life changes, which is a third of it.
 * Resolves to the records of statements in which not all were moved; those that were are among them.
 *
 * One statement moves many, each by the place of its id in a list of moves: a statement for each costs the
 * server three times as much.
 */
export async function moveForward(
  jobs: Collection<JobRecord>,
  records: readonly JobRecord[],
): Promise<readonly JobRecord[]> {
  const unmoved: JobRecord[] = [];
  let next = 0;
  for (const moves of inStatements(records.map(moveOf))) {
    const ids = moves.map(({ _id }) => _id);
    const { modifiedCount } = await jobs.updateMany({ _id: { $in: ids } }, forwardOnly(ids, moves));
    const end = next + moves.length;
    if (modifiedCount < moves.length) unmoved.push(...records.slice(next, end));
    next = end;
  }
  return unmoved;
}

type OrNull<Fields> = { readonly [Field in keyof Fields]: Fields[Field] | null };
/** Fields that a job has for a while. */
const comeAndGo = ['wakeAt', 'lastAt', 'queue', 'lease', 'linkedIds'] as const;
/** What an entry may change; null for what there is none of. All the rest is as the set-up made it. */
type Move = Omit<JobRecord, (typeof comeAndGo)[number] | Fixed> &
  Partial<Pick<JobRecord, 'links'>> &
  Partial<OrNull<Pick<JobRecord, (typeof comeAndGo)[number]>>>;
type Fixed = 'type' | 'typeVersion' | 'data' | 'setup' | 'links' | 'createdAt';

/** Field by field: copies by spreading cost more, and there is one for each job. */
function moveOf(record: JobRecord): Move {
  const move: Changing<Move> = {
    _id: record._id,
    seq: record.seq,
    createdSeq: record.createdSeq,
    state: record.state,
    states: record.states,
    snapshot: record.snapshot,
    updatedAt: record.updatedAt,
    lastEvent: record.lastEvent,
    generation: record.generation,
    headHash: record.headHash,
    timers: record.timers,
    wakeAt: record.wakeAt ?? null,
    lastAt: record.lastAt ?? null,
    queue: record.queue ?? null,
    lease: record.lease ?? null,
  };
  // The very object of the set-up: no link was ever removed.
  if (record.links !== record.setup.links) {
    move.links = record.links;
    move.linkedIds = record.linkedIds ?? null;
  }
  return move;
}

/** Takes each document to its move, unless it is that far already or of another life. */
function forwardOnly(ids: readonly string[], moves: readonly Move[]): Document[] {
  // Of a list that does not change the server makes a table.
  const place = { $indexOfArray: [{ $literal: ids }, '$_id'] };
  const move = { $arrayElemAt: [{ $literal: moves }, place] };
  const isNext = {
    $and: [{ $lt: ['$seq', '$$move.seq'] }, { $eq: ['$createdSeq', '$$move.createdSeq'] }],
  };
  const next = { $cond: [isNext, { $mergeObjects: ['$$ROOT', '$$move'] }, '$$ROOT'] };
  return [{ $replaceWith: { $let: { vars: { move }, in: next } } }, { $set: withoutNull }];
}

const withoutNull = Object.fromEntries(
  comeAndGo.map((field) => [field, { $ifNull: [`$${field}`, '$$REMOVE'] }]),
);

function inStatements(moves: readonly Move[]): Move[][] {
  const parts: Move[][] = [];
  let bytes = 0;
  for (const move of moves) {
    const size = BSON.calculateObjectSize(move);
    const part = parts.at(-1);
    bytes += size;
    if (part && part.length < statement.moves && bytes <= statement.bytes) {
      part.push(move);
    } else {
      parts.push([move]);
      bytes = size;
    }
  }
  return parts;
}
