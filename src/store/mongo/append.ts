import { MongoBulkWriteError, MongoError } from 'mongodb';
import { StoreUnavailable } from '../../errors.ts';
import type { Telemetry } from '../../telemetry/emit.ts';
import type { AppendOutcome, Commit } from '../store.ts';
import type { Collections, CommitRecord } from './collections.ts';

export interface Appender {
  /** The one durable write: see Store.append. */
  append: (commit: Commit) => Promise<AppendOutcome>;
  /** Resolves once nothing is queued or in flight. */
  drain(): Promise<void>;
}

interface Waiting {
  readonly record: CommitRecord;
  readonly size: number;
  readonly deadline: number;
  resolve(outcome: AppendOutcome): void;
  reject(error: Error): void;
}

/** Two batches in flight were as fast as four or eight, and keep batches large. */
const lanes = 2;
const maxBatch = 1_000;
const maxBatchBytes = 8 * 1024 * 1024;
/** How long an unknown outcome is resolved before the caller is told that it is unknown. */
const patienceMs = 30_000;
const retryMs = 100;

/**
 * Group commit: what callers append within one turn of the event loop goes out as one unordered
 * insertMany, journaled by a majority. Inserting `_id: {job, seq}` is the commit and the
 * compare-and-set in one, so each commit has its own outcome by the index of its write error.
 */
export function createAppender(collections: Collections, telemetry: Telemetry): Appender {
  let queue: Waiting[] = [];
  let inFlight = 0;
  let scheduled = false;
  const idle: (() => void)[] = [];

  const schedule = (): void => {
    if (scheduled || inFlight >= lanes || queue.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (queue.length > 0 && inFlight < lanes) void send(takeBatch());
    });
  };

  const takeBatch = (): Waiting[] => {
    let bytes = 0;
    let count = 0;
    for (const { size } of queue) {
      if (count > 0 && (count === maxBatch || bytes + size > maxBatchBytes)) break;
      bytes += size;
      count += 1;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    return batch;
  };

  const send = async (batch: Waiting[]): Promise<void> => {
    inFlight += 1;
    const started = performance.now();
    try {
      await insertBatch(collections, telemetry, batch, enqueueLater);
      telemetry.emit('commit.batch', {
        size: batch.length,
        milliseconds: performance.now() - started,
      });
    } finally {
      inFlight -= 1;
      schedule();
      if (inFlight === 0 && queue.length === 0) idle.splice(0).forEach((resolve) => resolve());
    }
  };

  /** Puts commits of unknown outcome back, after a pause in which the database may recover. */
  const enqueueLater = async (batch: Waiting[]): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, retryMs));
    queue = [...batch, ...queue];
  };

  return {
    append: ({ job, seq, ...rest }) =>
      new Promise((resolve, reject) => {
        const record = { _id: { job, seq }, ...rest, ...keysOf(rest) };
        const deadline = performance.now() + patienceMs;
        queue.push({ record, size: sizeOf(rest), deadline, resolve, reject });
        schedule();
      }),
    drain: () =>
      inFlight === 0 && queue.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => idle.push(resolve)),
  };
}

/** Sends a batch and settles each of its commits, or hands back those whose outcome is unknown. */
async function insertBatch(
  { commits }: Collections,
  telemetry: Telemetry,
  batch: Waiting[],
  enqueueLater: (batch: Waiting[]) => Promise<void>,
): Promise<void> {
  const failure = await commits
    .insertMany(
      batch.map(({ record }) => record),
      { ordered: false },
    )
    .then(
      () => undefined,
      (error: unknown) => error,
    );
  if (failure === undefined) return batch.forEach((each) => each.resolve('appended'));
  const unknown: Waiting[] = [];
  const outcomes = writeErrors(failure);
  for (const [index, each] of batch.entries()) {
    const error = outcomes.get(index);
    if (error) await settle(commits, each, error, unknown);
    else if (outcomes.size > 0 && !hasConcernError(failure)) each.resolve('appended');
    else unknown.push(each);
  }
  await resolveUnknown(unknown, failure, telemetry, enqueueLater);
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

/** Sends the same commits under the same ids again until the database says what became of them. */
async function resolveUnknown(
  batch: Waiting[],
  failure: unknown,
  telemetry: Telemetry,
  enqueueLater: (batch: Waiting[]) => Promise<void>,
): Promise<void> {
  if (batch.length === 0) return;
  const again: Waiting[] = [];
  for (const each of batch) {
    // An error of the client's making would only come again.
    if (!(failure instanceof MongoError) || performance.now() > each.deadline) {
      each.reject(unavailable(failure));
    } else again.push(each);
    telemetry.emit('commit.unknown', { jobId: each.record._id.job, error: String(failure) });
  }
  if (again.length > 0) await enqueueLater(again);
}

const unavailable = (cause: unknown): StoreUnavailable =>
  new StoreUnavailable('the outcome of a commit is unknown', { cause });

/** About how many bytes a commit takes, so that a batch stays below the driver's message size. */
const sizeOf = ({ entries }: Pick<Commit, 'entries'>): number =>
  entries.reduce((sum, { data }) => sum + 400 + (data === null ? 0 : data.length * 3), 200);

const keysOf = ({ entries }: Pick<Commit, 'entries'>): { keys?: string[] } => {
  const keys = entries.flatMap(({ key }) => key ?? []);
  return keys.length > 0 ? { keys } : {};
};
