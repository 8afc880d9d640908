import { authorise, type Principal } from '../auth/authorise.ts';
import { PlanRefused, PlanRequired } from '../errors.ts';
import { decide } from '../jobs/decide.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import type { Mail, Request } from '../jobs/request.ts';
import { actOnChunk } from './actOn.ts';
import { digestOf, readRequest, type Asked, type BulkRequest } from './bulkRequest.ts';
import { relationsOf } from './driveRun.ts';
import { gatherTargets, type Targets } from './gatherTargets.ts';
import { tally, type BulkCounts, type BulkOutcome, type OutcomeKind } from './outcome.ts';
import { createWork } from './work.ts';

/** What an operation would do, as things are now. */
export interface BulkPlan {
  /** Jobs that it is asked for: as many ids as were given, or as the filter matches. */
  readonly matched: number;
  readonly counts: BulkCounts;
  /** Dotted state that targets would be in or were found in → how many. */
  readonly byState: Readonly<Record<string, number>>;
  /** What would become of the first ten. */
  readonly sample: readonly BulkOutcome[];
  /** Give it to the run of this very request, within a quarter of an hour. */
  readonly plan: string;
  /** UTC ISO. */
  readonly expiresAt: string;
}

/** More targets, or relatives, than this are not touched without a plan. */
const unplanned = 1_000;
const sampleSize = 10;

/** Works out what a request would do and writes nothing. The plan is bound to it, to who asks, and to now. */
export async function planBulk(
  engine: Engine,
  principal: Principal,
  request: BulkRequest,
): Promise<BulkPlan> {
  const asked = authorised(engine, principal, request);
  const { plan, madeAt, expiresAt } = engine.tokens.plans.issue(digestOf(asked, principal));
  const targets = await gatherTargets(engine, asked, madeAt);
  const foreseen = await foresee(engine, principal, asked, targets);
  return {
    matched: targets.requested,
    ...foreseen,
    plan,
    expiresAt: expiresAt.toISOString(),
  };
}

/** The request, checked, and with the right to make it. */
export function authorised(engine: Engine, principal: Principal, request: BulkRequest): Asked {
  authorise(principal, 'bulk.run');
  const asked = readRequest(engine, request);
  if (asked.isHard) authorise(principal, 'job.delete');
  return asked;
}

/**
 * The time up to which a filter counts: that of the plan, else now. Throws PlanRefused for the plan of
 * something else, and PlanRequired where there has to be one.
 */
export function checkPlan(engine: Engine, principal: Principal, asked: Asked): number {
  const { plan, ids, filter } = asked;
  if (plan !== undefined) {
    const { digest, madeAt } = engine.tokens.plans.read(plan);
    if (digest === digestOf(asked, principal)) return madeAt;
    throw new PlanRefused('it was made for another operation, other jobs, or somebody else');
  }
  if (filter) throw new PlanRequired('A filter may match more than was meant');
  if ((ids?.length ?? 0) > unplanned)
    throw new PlanRequired(`There are more than ${unplanned} ids`);
  return engine.now();
}

/** Throws PlanRequired where an operation reaches far without one. */
export function checkReach({ plan }: Asked, { relatives }: Targets): void {
  if (plan !== undefined || relatives <= unplanned) return;
  throw new PlanRequired(`It would reach ${relatives} relatives`);
}

async function foresee(
  engine: Engine,
  principal: Principal,
  asked: Asked,
  targets: Targets,
): Promise<Pick<BulkPlan, 'counts' | 'byState' | 'sample'>> {
  const send = async (jobId: string, request: Request) => decided(engine, jobId, request);
  const relations = await relationsOf(engine, targets.chunks);
  const work = createWork({ engine, principal, asked, run: 'plan', send, ...relations });
  const requested: OutcomeKind[] = [];
  const relatives: OutcomeKind[] = [];
  const sample: BulkOutcome[] = [];
  for (const chunk of targets.chunks) {
    const outcomes = await actOnChunk(work, chunk);
    for (const [place, kind] of outcomes.entries()) {
      const isRequested = chunk.kind === 'requested';
      (isRequested ? requested : relatives).push(kind);
      if (!isRequested || sample.length === sampleSize) continue;
      sample.push({ index: chunk.from + place, id: chunk.ids[place] ?? '', ...kind });
    }
  }
  const { counts, byCode } = tally(requested);
  return {
    counts: {
      requested: targets.requested,
      ...counts,
      byCode,
      relatives: { ...tally(relatives).counts, sharedLeft: targets.sharedLeft },
    },
    byState: statesOf(requested),
    sample,
  };
}

/** What the job would be after a request, decided as for a commit that is then not written. */
function decided(engine: Engine, jobId: string, request: Request): LiveJob {
  const ignore = (): void => undefined;
  const mail: Mail = { request, resolve: ignore, reject: ignore };
  const { refused, answered } = decide(engine, jobId, engine.live.peek(jobId) ?? null, [mail]);
  const [refusal] = refused;
  if (refusal) throw refusal.error;
  const [told] = answered;
  if (!told) throw new Error(`job ${jobId}: nothing was decided`);
  return told.answer.job;
}

function statesOf(outcomes: readonly OutcomeKind[]): Record<string, number> {
  const states: Record<string, number> = {};
  for (const { state } of outcomes) {
    if (state !== undefined) states[state] = (states[state] ?? 0) + 1;
  }
  return states;
}
