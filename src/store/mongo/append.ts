import type { Telemetry } from '../../telemetry/emit.ts';
import type { AppendOutcome, Commit } from '../store.ts';
import type { Collections } from './collections.ts';
import { sizeOf, toCommitRecord } from './commitRecord.ts';
import { insertUnordered } from './insertUnordered.ts';
import { settleRefused, settleUnknown, type Waiting } from './settleFailure.ts';

export interface Appender {
  /** The one durable write: see Store.append. */
  append: (commit: Commit) => Promise<AppendOutcome>;
  /** Resolves once nothing is queued or in flight. */
  drain(): Promise<void>;
}

const lanes = 3;
/** So many do not wait for the end of the turn: the server works on them while the turn decides the next. */
const burst = 128;
const maxBatch = 1_000;
const maxBatchBytes = 8 * 1024 * 1024;
/** How long an unknown outcome is resolved before the caller is told that it is unknown. */
const patienceMs = 30_000;
const retryMs = 100;

/**
 * Group commit: what callers append within one turn of the event loop goes out as one unordered
 * insert, journaled by a majority. Inserting `_id: {job, seq}` is the commit and the
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
    if (batch.length > 0) await new Promise((resolve) => setTimeout(resolve, retryMs));
    queue = [...batch, ...queue];
  };

  return {
    append: (commit) =>
      new Promise((resolve, reject) => {
        const record = toCommitRecord(commit);
        const deadline = performance.now() + patienceMs;
        queue.push({ record, size: sizeOf(record), deadline, resolve, reject });
        if (queue.length >= burst && inFlight < lanes) void send(takeBatch());
        else schedule();
      }),
    drain: () =>
      inFlight === 0 && queue.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => idle.push(resolve)),
  };
}

/** Sends a batch and settles each of its commits; an answer that was lost is asked for again. */
async function insertBatch(
  { db, commits }: Collections,
  telemetry: Telemetry,
  batch: Waiting[],
  enqueueLater: (batch: Waiting[]) => Promise<void>,
): Promise<void> {
  const records = batch.map(({ record }) => record);
  try {
    const errors = await insertUnordered(db, commits.collectionName, records);
    const refused = new Set(errors.map(({ index }) => index));
    for (const [index, each] of batch.entries()) if (!refused.has(index)) each.resolve('appended');
    if (errors.length > 0)
      await enqueueLater(await settleRefused(commits, telemetry, batch, errors));
  } catch (failure) {
    await enqueueLater(settleUnknown(telemetry, batch, failure));
  }
}
