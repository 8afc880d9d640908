import type { Principal } from '../auth/authorise.ts';
import type { Engine } from '../jobs/engine.ts';
import type { BulkRequest } from './bulkRequest.ts';
import type { BulkOutcome } from './outcome.ts';
import { planBulk, type BulkPlan } from './planBulk.ts';
import { allOutcomes, listRuns, viewRun, type BulkRunView } from './readRun.ts';
import { runBulk, type BulkAnswer, type RunOptions } from './runBulk.ts';
import { loadRun } from './runLog.ts';
import { stopRun } from './stopRun.ts';

/** As the actor of a token, where what is asked takes one: a deletion for good takes an admin's. */
export interface AsWhom {
  readonly token?: string | undefined;
}

/** One operation on many jobs, by their ids or by a filter. */
export interface Bulk {
  /** What a request would do; writes nothing. Its `plan` lets the run of the same request pass. */
  plan(request: BulkRequest, as?: AsWhom): Promise<BulkPlan>;
  /**
   * Does it. Resolves once the run has ended, or after `wait` seconds: it goes on all the same. More than
   * 1,000 targets or relatives, and a filter, take a plan (PlanRequired).
   */
  run(request: BulkRequest, options?: RunOptions & AsWhom): Promise<BulkAnswer>;
  /** A run as it is now. */
  read(run: string): Promise<BulkRunView>;
  /** What became of each target, in the order of the request, as far as it is done. */
  outcomes(run: string): AsyncIterable<BulkOutcome>;
  /** Runs, the newest first. */
  list(page?: {
    readonly limit?: number;
    readonly cursor?: string;
  }): Promise<{ runs: BulkRunView[]; next?: string }>;
  /** Ends a run between two chunks. */
  stop(run: string, options?: { readonly reason?: string } & AsWhom): Promise<BulkRunView>;
}

export function createBulk(engine: Engine, principalOf: (as: AsWhom) => Principal): Bulk {
  return {
    plan: async (request, as = {}) => planBulk(engine, principalOf(as), request),
    run: async (request, options = {}) => runBulk(engine, principalOf(options), request, options),
    read: async (run) => viewRun(await loadRun(engine, run)),
    outcomes: (run) => allOutcomes(engine, run),
    list: async (page = {}) => listRuns(engine, page),
    stop: async (run, options = {}) => stopRun(engine, principalOf(options), run, options),
  };
}
