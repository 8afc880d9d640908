import { randomUUID } from 'node:crypto';
import { bulkRun } from '../../machines/bulkRun.ts';
import type { Principal } from '../auth/authorise.ts';
import { IdempotencyConflict } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { setupJob } from '../jobs/setupJob.ts';
import { digestOf, type Asked, type BulkRequest } from './bulkRequest.ts';
import { startDriving } from './driveRun.ts';
import { gatherTargets, type Targets } from './gatherTargets.ts';
import { noCounts, type BulkCounts, type BulkOutcome } from './outcome.ts';
import { authorised, checkPlan, checkReach } from './planBulk.ts';
import { hasEnded, progressOf, readOutcomes, type BulkRunView } from './readRun.ts';
import { inputOf, loadRun, tellRun, writeTargets } from './runLog.ts';

export interface RunOptions {
  /** Seconds to wait for its end; without it, however long that takes. */
  readonly wait?: number | undefined;
  /** Idempotency key: repeated under it, the same run answers; for other jobs it is refused. */
  readonly key?: string | undefined;
}

/** How far a run is, and once it has ended what came of each target. */
export interface BulkAnswer {
  /** Null where there was nothing to act on, and no key. */
  readonly run: string | null;
  readonly state: string;
  readonly progress: BulkRunView['progress'];
  readonly counts: BulkCounts;
  /** Once it has ended, and where there are not more than 10,000. */
  readonly outcomes?: readonly BulkOutcome[];
}

/** More outcomes than this are read page by page. */
const outcomesAtOnce = 10_000;

/**
 * Does one operation to many jobs, each by an event of its own, as a run that is a job itself: it goes on
 * whatever becomes of this process. Resolves once it has ended or the time to wait is over. What is
 * refused for one of the targets is told in its outcome and keeps no other.
 */
export async function runBulk(
  engine: Engine,
  principal: Principal,
  request: BulkRequest,
  { wait, key }: RunOptions = {},
): Promise<BulkAnswer> {
  const asked = authorised(engine, principal, request);
  const before = checkPlan(engine, principal, asked);
  const targets = await gatherTargets(engine, asked, before);
  checkReach(asked, targets);
  // Under a key there may be a run already, after which its filter matches nothing any more.
  if (targets.requested === 0 && key === undefined) return nothing;
  const digest = digestOf(asked, principal);
  const call = `${digest} ${randomUUID()}`;
  const { job } = await setupJob(
    engine,
    principal,
    bulkRun.name,
    { data: dataOf(engine, principal, asked, { before, call }), findExisting: false },
    key,
  );
  const { call: made } = inputOf(job);
  if (made === call) await begin(engine, principal, job.id, targets);
  else if (!made.startsWith(digest)) throw new IdempotencyConflict(key ?? '');
  return answerOf(engine, await follow(engine, job.id, wait));
}

const nothing: BulkAnswer = {
  run: null,
  state: 'finished',
  progress: { done: 0, total: 0 },
  counts: noCounts,
  outcomes: [],
};

function dataOf(
  { processId }: Engine,
  { actor }: Principal,
  { op, data, scope, reason, filter, isHard }: Asked,
  { before, call }: { readonly before: number; readonly call: string },
): Record<string, unknown> {
  return {
    op,
    data: isHard ? { ...data, hard: true } : data,
    scope,
    ...(reason !== undefined && { reason }),
    ...(filter && { q: withoutGaps(filter), before: new Date(before).toISOString() }),
    by: { kind: actor.kind, id: actor.id },
    runner: processId,
    call,
  };
}

const withoutGaps = (filter: object): object =>
  Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));

async function begin(
  engine: Engine,
  principal: Principal,
  run: string,
  { chunks, sharedLeft }: Targets,
): Promise<void> {
  try {
    await writeTargets(engine, run, chunks, sharedLeft);
  } catch (error) {
    await giveUp(engine, run);
    throw error;
  }
  void startDriving(engine, run, { principal, chunks });
}

/** As far as that is possible now: where it was begun all the same, the duty goes on with it. */
async function giveUp(engine: Engine, run: string): Promise<void> {
  const reason = 'its targets could not be written down; nothing was done';
  await tellRun(engine, run, [{ name: 'fail', data: { reason } }]).catch(() => undefined);
}

const pollMs = 200;

/** The run once it has ended, here or elsewhere, or once the time is over. */
async function follow(engine: Engine, id: string, wait = Infinity): Promise<LiveJob> {
  const deadline = performance.now() + wait * 1_000;
  for (;;) {
    const run = await loadRun(engine, id);
    const left = deadline - performance.now();
    if (hasEnded(run) || left <= 0 || engine.bulkRuns.isStopping) return run;
    const working = engine.bulkRuns.get(id);
    await within(working ? left : Math.min(left, pollMs), working);
  }
}

/** Resolves with the work, or once the time is over. */
async function within(milliseconds: number, work: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    if (milliseconds < Infinity) timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race(work ? [work, late] : [late]);
  clearTimeout(timer);
}

async function answerOf(engine: Engine, run: LiveJob): Promise<BulkAnswer> {
  const { progress, counts } = progressOf(run);
  const isTold = hasEnded(run) && progress.total <= outcomesAtOnce;
  const { outcomes } = isTold
    ? await readOutcomes(engine, run.id, { limit: outcomesAtOnce })
    : { outcomes: undefined };
  return { run: run.id, state: run.state, progress, counts, ...(outcomes && { outcomes }) };
}
