import { MongoError } from 'mongodb';
import { StoreUnavailable } from '../../errors.ts';
import type { Telemetry } from '../../telemetry/emit.ts';
import type { AppendOutcome } from '../store.ts';
import type { Collections, CommitRecord } from './collections.ts';
import { duplicateKey, type WriteError } from './insertUnordered.ts';

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
 * Settles each commit that the server has refused, as far as its outcome is known. Hands back those that
 * are to be sent again, under the same ids, until the database says what became of them.
 */
export async function settleRefused(
  commits: Collections['commits'],
  telemetry: Telemetry,
  batch: readonly Waiting[],
  errors: readonly WriteError[],
): Promise<Waiting[]> {
  const refused = errors.flatMap((error) => {
    const waiting = batch[error.index];
    return waiting ? [{ waiting, error }] : [];
  });
  const rivals = await readRivals(
    commits,
    refused.flatMap(({ waiting, error }) => (error.code === duplicateKey ? [waiting] : [])),
  );
  const unknown = refused.filter(({ waiting, error }) => !settle(waiting, error, rivals));
  return settleUnknown(
    telemetry,
    unknown.map(({ waiting }) => waiting),
    new MongoError(unknown[0]?.error.errmsg ?? ''),
  );
}

/** Nobody knows what became of these: hands back those that are to be sent again, and gives up the others. */
export function settleUnknown(
  telemetry: Telemetry,
  batch: readonly Waiting[],
  failure: unknown,
): Waiting[] {
  return batch.filter((each) => {
    telemetry.emit('commit.unknown', { jobId: each.record._id.job, error: String(failure) });
    // An error of the client's making would only come again.
    const isHopeless = !(failure instanceof MongoError) || performance.now() > each.deadline;
    if (isHopeless) {
      each.reject(new StoreUnavailable('the outcome of a commit is unknown', { cause: failure }));
    }
    return !isHopeless;
  });
}

type Rivals = ReadonlyMap<string, Pick<CommitRecord, 'process' | 'nonce'>>;

/** What stands where these were to go, as a majority has it; undefined where it could not be read. */
async function readRivals(
  commits: Collections['commits'],
  batch: readonly Waiting[],
): Promise<Rivals | undefined> {
  if (batch.length === 0) return new Map();
  const ids = batch.map(({ record }) => record._id);
  // The jobs, too, as a router finds the shards by them.
  const jobs = [...new Set(ids.map(({ job }) => job))];
  try {
    const found = await commits
      .find(
        { '_id.job': { $in: jobs }, _id: { $in: ids } },
        { projection: { process: 1, nonce: 1 } },
      )
      .toArray();
    return new Map(found.map((rival) => [placeOf(rival._id), rival]));
  } catch {
    // Then they stay unknown, and are sent again.
    return undefined;
  }
}

const placeOf = ({ job, seq }: CommitRecord['_id']): string => `${seq}:${job}`;

/** The server has said no to this very commit: it is a rival's, or our own from an attempt whose answer was lost. */
function settle(
  waiting: Waiting,
  { code, errmsg }: WriteError,
  rivals: Rivals | undefined,
): boolean {
  if (passing.has(code)) return false;
  if (code !== duplicateKey) {
    waiting.reject(new StoreUnavailable(`a commit was refused (code ${code})`));
    return true;
  }
  if (!rivals) return false;
  const { _id, process, nonce } = waiting.record;
  const rival = rivals.get(placeOf(_id));
  if (rival?.process === process && rival.nonce === nonce) waiting.resolve('appended');
  else if (indexOf(errmsg) === 'idempotency') waiting.resolve('repeated');
  // Taken, but by a commit that no majority has yet: it may turn out to be our own.
  else if (!rival) return false;
  else waiting.resolve('conflict');
  return true;
}

/** The node is stopping or no longer the primary: nothing is said of the commit itself. */
const passing: ReadonlySet<number> = new Set([91, 189, 262, 10107, 11600, 11602, 13435, 13436]);

const indexOf = (errmsg: string): string | undefined => /index: (\S+) dup key/.exec(errmsg)?.[1];
