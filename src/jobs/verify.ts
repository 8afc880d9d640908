import { setTimeout as delay } from 'node:timers/promises';
import { JobNotFound } from '../errors.ts';
import type { Commit, EffectTask, JobDocument } from '../store/store.ts';
import { LogCheck, type CheckedLog } from './logCheck.ts';
import { beginCountCheck, type CountCheck } from './verifyCounts.ts';
import { judge, verifyJob, type VerifyParts } from './verifyJob.ts';
import { createFindings, type Findings, type Problem, type VerifyReport } from './verifyReport.ts';

export interface VerifyOptions {
  /** Only this job. */
  readonly job?: string | undefined;
  /** Report entries of a machine version that is not known here as problems. Default: only name it. */
  readonly requireMachines?: boolean | undefined;
  /** How long what only lags has to catch up, in milliseconds. Default 5,000. */
  readonly patience?: number | undefined;
}

/** An outbox keeps what is done for seven days. */
const effectsKnownMs = 6 * 24 * 3600 * 1000;
const effectLateMs = 60_000;
/** A handler that is at work may take as long as its lease. */
const effectLeaseMs = 60_000;
const lookAgainMs = 200;
/** Jobs that are looked at again on their own; a few are busy ones, many are a broken database. */
const maxSuspects = 10_000;
/** Jobs that are compared with the database at a time. */
const atOnce = 16;

/**
 * Proves the promises on a database, in one pass over its log: entries are numbered 1, 2, 3 …, their
 * hashes form a chain, replaying each life gives its entries' states and the stored job, nothing refers
 * to a deleted job, no effect is lost or late, and the counts are what the log comes to. Everything may go on meanwhile: what does not fit at
 * first sight is looked at again by itself, and what only lags is given a moment. Rejects with
 * JobNotFound where the one job asked for never was.
 */
export async function verify(
  parts: VerifyParts,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const { now = Date.now } = parts;
  const findings = createFindings();
  const effectsSince = new Date(now() - effectsKnownMs);
  const counts = options.job === undefined ? await beginCountCheck(parts.store) : undefined;
  const suspects = await scan(parts, findings, { ...options, effectsSince, counts });
  if (options.job !== undefined && findings.report().entries === 0 && suspects.size === 0) {
    throw new JobNotFound(options.job);
  }
  const deadline = performance.now() + (options.patience ?? 5_000);
  await settle(parts, findings, suspects, deadline, { ...options, effectsSince });
  await checkEffects(parts, findings, deadline, options.job);
  // With a log, or a projection, that is wrong they would only say so again.
  if (counts && findings.report().ok) findings.addProblems(await counts.end(deadline));
  return findings.report();
}

interface ScanOptions extends VerifyOptions {
  readonly effectsSince: Date;
  readonly counts?: CountCheck | undefined;
}

/** Jobs that do not fit at first sight → the entry up to which their projection is due. */
type Suspects = Map<string, number>;

/** Reads the logs and the stored jobs once, side by side. */
async function scan(
  { store, registry }: VerifyParts,
  findings: Findings,
  options: ScanOptions,
): Promise<Suspects> {
  const suspects: Suspects = new Map();
  const compare = async ({ log, document }: Pair): Promise<void> => {
    const { firm, passing } = await judge({ store, registry }, log, document);
    if (firm.length + passing.length === 0) return;
    if (suspects.size < maxSuspects) suspects.set(log.job, log.seq);
    else findings.addProblems([...firm, ...passing]);
  };
  const begin = (job: string) => new LogCheck({ ...options, registry, job });
  const range = options.job === undefined ? {} : { job: options.job };
  const see = options.counts?.take;
  const logs = checkLogs(store.scanCommits(range), begin, see);
  let batch: Promise<void>[] = [];
  for await (const pair of pairUp(logs, store.scanJobs(range), begin)) {
    findings.addLog(pair.log);
    batch.push(compare(pair));
    if (batch.length < atOnce) continue;
    await Promise.all(batch);
    batch = [];
  }
  await Promise.all(batch);
  return suspects;
}

type BeginCheck = (job: string) => LogCheck;

/** Checks each run of one job's commits, and shows each commit to who wants to see it. */
export async function* checkLogs(
  commits: AsyncIterable<Commit>,
  begin: BeginCheck,
  see?: (commit: Commit) => void,
): AsyncGenerator<CheckedLog> {
  let current: { readonly job: string; readonly check: LogCheck } | undefined;
  for await (const commit of commits) {
    if (current?.job !== commit.job) {
      if (current) yield current.check.end();
      current = { job: commit.job, check: begin(commit.job) };
    }
    current.check.take(commit);
    see?.(commit);
  }
  if (current) yield current.check.end();
}

interface Pair {
  readonly log: CheckedLog;
  readonly document: JobDocument | null;
}

/** Puts each log beside its stored job, as both come in the order of their ids; a job without has an empty one. */
async function* pairUp(
  logs: AsyncIterable<CheckedLog>,
  stored: AsyncIterable<JobDocument>,
  begin: BeginCheck,
): AsyncGenerator<Pair> {
  const documents = stored[Symbol.asyncIterator]();
  try {
    let next = await documents.next();
    for await (const log of logs) {
      for (; !next.done && next.value.id < log.job; next = await documents.next()) {
        yield { log: begin(next.value.id).end(), document: next.value };
      }
      const document = !next.done && next.value.id === log.job ? next.value : null;
      if (document) next = await documents.next();
      yield { log, document };
    }
    for (; !next.done; next = await documents.next()) {
      yield { log: begin(next.value.id).end(), document: next.value };
    }
  } finally {
    await documents.return?.();
  }
}

/** Looks at suspects again, each by itself, until they fit or their moment is over. */
async function settle(
  parts: VerifyParts,
  findings: Findings,
  suspects: Suspects,
  deadline: number,
  options: ScanOptions,
): Promise<void> {
  for (;;) {
    const isLast = performance.now() >= deadline;
    for (const [job, due] of [...suspects]) {
      const { firm, passing } = await verifyJob(parts, job, { ...options, due });
      findings.addProblems(firm);
      if (isLast || firm.length > 0) findings.addProblems(passing);
      if (isLast || firm.length > 0 || passing.length === 0) suspects.delete(job);
    }
    if (suspects.size === 0) return;
    await delay(lookAgainMs);
  }
}

/** Lists what is parked, and reports what should have been done a minute ago. */
async function checkEffects(
  parts: VerifyParts,
  findings: Findings,
  deadline: number,
  job: string | undefined,
): Promise<void> {
  const { store } = parts;
  const range = job === undefined ? {} : { job };
  for await (const task of store.scanEffects({ ...range, status: 'parked' }))
    findings.addParked(task);
  for (;;) {
    const late = await lateEffects(parts, range);
    if (late.length === 0) return;
    if (performance.now() >= deadline) return findings.addProblems(late);
    await delay(lookAgainMs);
  }
}

async function lateEffects(
  { store, now = Date.now }: VerifyParts,
  range: { readonly job?: string },
): Promise<Problem[]> {
  const problems: Problem[] = [];
  let job: string | undefined;
  for await (const task of store.scanEffects({ ...range, status: 'due' })) {
    // A job's later effects wait for its first, whatever their own times are.
    const isFirst = task.job !== job;
    job = task.job;
    if (isFirst && isLate(task, now())) problems.push(lateProblem(task));
  }
  return problems;
}

const isLate = ({ dueAt, attempts }: EffectTask, now: number): boolean =>
  now - dueAt.getTime() > effectLateMs + (attempts > 0 ? effectLeaseMs : 0);

const lateProblem = ({ job, seq, effect, dueAt }: EffectTask): Problem => ({
  job,
  seq,
  check: 'effects',
  message: `${effect.type} is due since ${dueAt.toISOString()}, and was not done`,
});
