import { isDeepStrictEqual } from 'node:util';
import type { JobDocument } from '../store/store.ts';
import type { Engine } from './engine.ts';
import type { Registry } from '../machine/registry.ts';
import { snapshotOf, toJobDocument, type LiveJob } from './liveJob.ts';
import { LogCheck, type CheckedLog } from './logCheck.ts';
import type { Check, Problem } from './verifyReport.ts';

export type VerifyParts = Pick<Engine, 'store' | 'registry'> & Partial<Pick<Engine, 'now'>>;

/** A job's problems: those that stay, and those that a moment may mend, as all else follows the log. */
export interface Verdict {
  readonly log: CheckedLog;
  readonly firm: readonly Problem[];
  readonly passing: readonly Problem[];
}

export interface VerifyJobOptions {
  /** Entries up to which the projection has had its moment. Default: all. */
  readonly due?: number | undefined;
  readonly effectsSince: Date;
  readonly requireMachines?: boolean | undefined;
}

/**
 * Checks one job by itself: its log, then all that follows from it. The stored job is read before the
 * log and compared with what the log comes to at its very entry: so it may lag, but never be wrong.
 */
export async function verifyJob(
  { store, registry }: VerifyParts,
  job: string,
  options: VerifyJobOptions,
): Promise<Verdict> {
  const document = await store.readJob(job);
  const check = new LogCheck({ ...options, registry, job, watch: document?.seq });
  for await (const commit of store.scanCommits({ job })) check.take(commit);
  const log = check.end();
  return judge({ store, registry }, log, document, options);
}

/** Compares a checked log with the database. */
export async function judge(
  { store, registry }: Pick<VerifyParts, 'store' | 'registry'>,
  log: CheckedLog,
  document: JobDocument | null,
  { due = log.seq }: Pick<VerifyJobOptions, 'due'> = {},
): Promise<Verdict> {
  const { last, isLive, problems } = log;
  const stored = storedFaults(registry, log, document);
  const firm = [...problems, ...stored];
  if (!last || stored.length > 0) return { log, firm, passing: [] };
  const projected = isLive ? (document?.seq ?? 0) : await store.projectedSeq(log.job);
  const passing = isLive
    ? lagging(log, projected, Math.min(due, log.seq))
    : await judgeRemoval({ store }, log, projected, document !== null);
  return { log, firm, passing: [...passing, ...(await lostEffects({ store }, log, projected))] };
}

/** What is wrong with the stored job, however far it is. */
function storedFaults(
  registry: Registry,
  log: CheckedLog,
  document: JobDocument | null,
): Problem[] {
  if (!document) return [];
  const { job, seq, entries, last, problems } = log;
  const projection = (message: string, at?: number): Problem[] => [
    { job, ...(at !== undefined && { seq: at }), check: 'projection', message },
  ];
  if (entries === 0 && problems.length === 0) {
    return projection('the job is stored, but has no log');
  }
  if (last && document.seq > seq) {
    return projection(`the log ends here, but the stored job is at entry ${document.seq}`, seq);
  }
  // What is left of a life that has ended goes with it, and is not held against the log.
  if (!last || !log.isLive || document.seq < last.createdSeq) return [];
  const fields = differences(registry, log, document);
  if (fields.length === 0) return [];
  return projection(`the stored job is not as the log says: ${fields.join(', ')}`, document.seq);
}

const lagging = ({ job, seq }: CheckedLog, projected: number, due: number): Problem[] =>
  projected >= due
    ? []
    : [
        {
          job,
          seq,
          check: 'projection',
          message:
            projected === 0
              ? 'the job is not stored'
              : `the stored job is at entry ${projected}, the log at ${seq}`,
        },
      ];

/** Fields of the stored job that are not as the log has them, up to the entry that it is at. */
function differences(registry: Registry, log: CheckedLog, stored: JobDocument): string[] {
  const expected = expectedAt(log, stored.seq);
  if (!expected) return [];
  const snapshot = snapshotOf(expected);
  const right: Readonly<Record<string, unknown>> = {
    ...toJobDocument(registry, expected, snapshot ?? stored.snapshot),
  };
  const found: Readonly<Record<string, unknown>> = { ...stored };
  const fields = new Set([...Object.keys(right), ...Object.keys(found)]);
  return [...fields].filter(
    (field) =>
      (expected.snapshot !== undefined || !ofMachine.has(field)) &&
      !isDeepStrictEqual(right[field], found[field]),
  );
}

/** What only a replay can tell. */
const ofMachine = new Set(['snapshot', 'states', 'timers', 'wakeAt', 'queue', 'lease']);

const expectedAt = ({ last, seq, watched }: CheckedLog, at: number): LiveJob | undefined =>
  at === seq ? (last ?? undefined) : watched;

/** What a removal is to leave behind: nothing but the tombstone. Its effect does it, so it may be under way. */
async function judgeRemoval(
  { store }: Pick<VerifyParts, 'store'>,
  { job, seq, unredacted }: CheckedLog,
  projected: number,
  isStored: boolean,
): Promise<Problem[]> {
  const pending = await store.pendingEffects(job);
  if (pending.some((task) => task.seq === seq)) return [];
  const links = await store.countLinks(job);
  const problems: Problem[] = [];
  const add = (check: Check, message: string, at = seq) =>
    problems.push({ job, seq: at, check, message });
  if (isStored) add('projection', 'the job was deleted, but is stored');
  if (projected < seq) add('effects', 'what follows the deletion was not done');
  if (links > 0) add('links', `the job was deleted, but ${links} documents or jobs refer to it`);
  if (unredacted !== undefined) {
    add('tombstone', 'it has its data, but the job was deleted', unredacted);
  }
  return problems;
}

/** Effects of projected entries that are nowhere: neither due, nor done, nor parked. */
async function lostEffects(
  { store }: Pick<VerifyParts, 'store'>,
  { job, effects }: CheckedLog,
  projected: number,
): Promise<Problem[]> {
  if (effects.size === 0) return [];
  const lost = new Map([...effects].filter(([, seq]) => seq <= projected));
  for await (const { id } of store.scanEffects({ job })) lost.delete(id);
  return [...lost].map(([id, seq]) => ({
    job,
    seq,
    check: 'effects',
    message: `effect ${id} is lost`,
  }));
}
