import { MongoBulkWriteError, MongoError } from 'mongodb';
import { StoreUnavailable } from '../../errors.ts';
import type { Telemetry } from '../../telemetry/emit.ts';
import type { AppendOutcome } from '../store.ts';
import type { Collections, CommitRecord } from './collections.ts';

/** A commit on its way, and whom to tell. */
export interface Waiting {
  readonly record: CommitRecord;
  readonly size: number;
  /** Until when an unknown outcome is resolved, on the process's steady clock. */
  readonly deadline: number;
  resolve(outcome: AppendOutcome): void;
  reject(error: Error): void;
}

/**
 * Settles each commit of a batch whose insert failed, as far as its outcome is known. Hands back those
 * that are to be sent again, under the same ids, until the database says what became of them.
 */
export async function settleFailure(
  commits: Collections['commits'],
  telemetry: Telemetry,
  batch: readonly Waiting[],
  failure: unknown,
): Promise<Waiting[]> {
  const unknown: Waiting[] = [];
  const outcomes = writeErrors(failure);
  for (const [index, each] of batch.entries()) {
    const error = outcomes.get(index);
    if (error) await settle(commits, each, error, unknown);
    else if (outcomes.size > 0 && !hasConcernError(failure)) each.resolve('appended');
    else unknown.push(each);
  }
  return unknown.filter((each) => {
    telemetry.emit('commit.unknown', { jobId: each.record._id.job, error: String(failure) });
    // An error of the client's making would only come again.
    const isHopeless = !(failure instanceof MongoError) || performance.now() > each.deadline;
    if (isHopeless) {
      each.reject(new StoreUnavailable('the outcome of a commit is unknown', { cause: failure }));
    }
    return !isHopeless;
  });
}

interface WriteError {
  readonly code: number;
  readonly errmsg: string;
}

function writeErrors(failure: unknown): Map<number, WriteError> {
  if (!(failure instanceof MongoBulkWriteError)) return new Map();
  return new Map(
    [failure.writeErrors].flat().map(({ index, code, errmsg = '' }) => [index, { code, errmsg }]),
  );
}

const hasConcernError = (failure: unknown): boolean =>
  failure instanceof MongoBulkWriteError && failure.result.getWriteConcernError() !== undefined;

/** The server has said no to this very commit: it is a rival's, or our own from an attempt whose answer was lost. */
async function settle(
  commits: Collections['commits'],
  waiting: Waiting,
  { code, errmsg }: WriteError,
  unknown: Waiting[],
): Promise<void> {
  if (code !== duplicateKey) {
    return waiting.reject(new StoreUnavailable(`a commit was refused (code ${code})`));
  }
  const { _id, process, nonce } = waiting.record;
  const found = await commits.findOne({ _id }).catch((error: unknown) => error as Error);
  if (found instanceof Error) return void unknown.push(waiting);
  if (found?.process === process && found.nonce === nonce) return waiting.resolve('appended');
  if (indexOf(errmsg) === 'idempotency') return waiting.resolve('repeated');
  // Taken, but by a commit that no majority has yet: it may turn out to be our own.
  if (found === null) return void unknown.push(waiting);
  waiting.resolve('conflict');
}

const duplicateKey = 11000;

const indexOf = (errmsg: string): string | undefined => /index: (\S+) dup key/.exec(errmsg)?.[1];
