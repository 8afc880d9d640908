import type { Held, ReportOutcome, Result } from '../records/workerProtocol.ts';
import type { Bell } from './bell.ts';
import { codeOf, isMalformed, messageOf } from './fault.ts';
import type { Life } from './life.ts';
import { bytesOf, mendResult } from './mendResult.ts';
import { createBackOff, pause } from './pause.ts';
import { zipResult } from './zipResult.ts';

/** Reports on their way to the service. Each is made until it is taken or refused for good. */
export interface Outbox {
  readonly count: number;
  /** Whether the newest attempt to deliver failed. */
  readonly isStuck: boolean;
  held(): Held[];
  add(result: Result): void;
  /** Delivers what there is, as it comes, until the life is over. */
  keepDelivering(): Promise<void>;
  /** Resolves once there is nothing left, or after so many milliseconds. */
  drained(milliseconds: number): Promise<void>;
  /** Tells of each report that it was dropped, and why. */
  drop(code: string, message: string): void;
}

/** Of one call. */
const most = { reports: 100, bytes: 4 * 1024 * 1024 };
const callMs = 30_000;

interface Waiting {
  readonly result: Result;
  readonly bytes: number;
}

export function createOutbox(life: Life, bell: Bell): Outbox {
  const { over, name: worker, workers, tell } = life;
  const backOff = createBackOff(100, 10_000);
  let waiting: readonly Waiting[] = [];
  let isStuck = false;
  /** After a call that was refused as a whole, reports go one by one until the culprit is found. */
  let single = 0;

  const refuse = ({ id, epoch }: Result, code: string, message: string): void =>
    tell({ event: 'refused', worker, id, epoch, code, message });

  const replace = (old: Waiting, result: Result | undefined): void => {
    waiting = waiting.flatMap((one) => (one === old ? (result ? [weighed(result)] : []) : [one]));
  };

  const mend = (one: Waiting, code: string, message: string): void => {
    const mended = mendResult(one.result, code, message);
    if (!mended) refuse(one.result, code, message);
    replace(one, mended);
  };

  /** Whether the report is dealt with, if only by another in its place. */
  const settle = (one: Waiting, outcome: ReportOutcome | undefined): boolean => {
    if (!outcome) return false;
    const { id, epoch } = one.result;
    if (outcome.outcome === 'accepted') {
      const { state } = outcome;
      tell({ event: 'reported', worker, id, epoch, outcome: one.result.outcome, state });
      replace(one, undefined);
      return true;
    }
    const { code, message } = outcome;
    if (code === 'STORE_UNAVAILABLE') return false;
    if (mendable.has(code)) {
      mend(one, code, message);
      return true;
    }
    refuse(one.result, code, message);
    replace(one, undefined);
    return true;
  };

  const deliver = async (batch: readonly Waiting[]): Promise<boolean> => {
    let whole: unknown;
    const results = await Promise.all(batch.map(({ result }) => zipResult(result)));
    const outcomes = await life.call('report', callMs, () =>
      workers.report(worker, results).catch((error: unknown) => {
        if (!isMalformed(error)) throw error;
        whole = error;
        return [];
      }),
    );
    if (whole !== undefined) {
      const [only] = batch;
      if (batch.length > 1) single = batch.length;
      else if (only) mend(only, codeOf(whole), messageOf(whole));
      return true;
    }
    const byIndex = new Map(outcomes?.map((outcome) => [outcome.index, outcome]));
    const settled = batch.map((one, index) => settle(one, byIndex.get(index)));
    return settled.every(Boolean);
  };

  return {
    get count() {
      return waiting.length;
    },
    get isStuck() {
      return isStuck;
    },
    held: () => waiting.map(({ result: { id, epoch } }) => ({ id, epoch })),
    add(result) {
      waiting = [...waiting, weighed(result)];
      bell.ring();
    },
    async keepDelivering() {
      while (!over.aborted) {
        if (waiting.length === 0) {
          await bell.next(over);
          continue;
        }
        const batch = single > 0 ? waiting.slice(0, 1) : batchOf(waiting);
        single = Math.max(0, single - 1);
        isStuck = !(await deliver(batch));
        bell.ring();
        if (isStuck) await pause(backOff.next(), over);
        else backOff.reset();
      }
    },
    async drained(milliseconds) {
      const tooLong = AbortSignal.any([over, AbortSignal.timeout(milliseconds)]);
      while (waiting.length > 0 && !tooLong.aborted) await bell.next(tooLong);
    },
    drop(code, message) {
      for (const { result } of waiting) refuse(result, code, message);
      waiting = [];
    },
  };
}

/** Another report on the same claim may be taken. */
const mendable: ReadonlySet<string> = new Set(['OUTPUT_TOO_LARGE', 'INVALID_DATA']);

const weighed = (result: Result): Waiting => ({ result, bytes: bytesOf(result) });

/** As many of the oldest as go into one call; one at least. */
function batchOf(waiting: readonly Waiting[]): readonly Waiting[] {
  let bytes = 0;
  const end = waiting.findIndex((one, index) => {
    bytes += one.bytes;
    return index > 0 && (index >= most.reports || bytes > most.bytes);
  });
  return end < 0 ? waiting : waiting.slice(0, end);
}
