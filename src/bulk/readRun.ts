import { bulkRun, chunkSize } from '../../machines/bulkRun.ts';
import type { Engine } from '../jobs/engine.ts';
import { checkWhole } from '../jobs/readHistory.ts';
import { fromJobDocument, type LiveJob } from '../jobs/liveJob.ts';
import type { JobFilter, Page } from '../store/store.ts';
import type { BulkCounts, BulkOutcome } from './outcome.ts';
import { contextOf, inputOf, loadRun, readChunk, readOutcomesOf } from './runLog.ts';

/** A run as everybody may see it. */
export interface BulkRunView {
  readonly run: string;
  /** gathering, running, stopping, finished, stopped, failed. */
  readonly state: string;
  readonly op: string;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly scope: string;
  readonly reason: string | null;
  /** The filter, where it was not given ids. */
  readonly q: JobFilter | null;
  readonly by: { readonly kind: string; readonly id: string };
  /** UTC ISO, milliseconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Requested targets that have their outcome, and all. */
  readonly progress: { readonly done: number; readonly total: number };
  readonly counts: BulkCounts;
}

/** A page of outcomes, in the order of the request. */
export interface OutcomesPage {
  readonly outcomes: readonly BulkOutcome[];
  /** Give it as `after` for the next page. */
  readonly next?: number;
}

/** Whether nothing more will come of it. */
export const hasEnded = ({ state }: Pick<LiveJob, 'state'>): boolean =>
  ['finished', 'stopped', 'failed'].includes(state);

export function viewRun(run: LiveJob): BulkRunView {
  const { op, scope, reason = null, q = null, by } = inputOf(run);
  const { data } = JSON.parse(run.data) as { data: BulkRunView['data'] };
  return {
    ...{ run: run.id, state: run.state, op, data, scope, reason, q, by },
    createdAt: run.createdAt.toISOString(),
    updatedAt: run.updatedAt.toISOString(),
    ...progressOf(run),
  };
}

/** How far a run is, and what came of it so far. */
export function progressOf(run: LiveJob): Pick<BulkRunView, 'progress' | 'counts'> {
  const { progress } = contextOf(run);
  const { done, total, updated, unchanged, refused, byCode, relatives } = progress;
  const { done: _done, total: _total, ...counted } = relatives;
  return {
    progress: { done, total },
    counts: { requested: total, updated, unchanged, refused, byCode, relatives: counted },
  };
}

/** A page of the outcomes that are known, after an index (-1: from the first). */
export async function readOutcomes(
  engine: Engine,
  id: string,
  { after = -1, limit = chunkSize }: { readonly after?: number; readonly limit?: number } = {},
): Promise<OutcomesPage> {
  checkWhole('after', after, -1, Number.MAX_SAFE_INTEGER);
  checkWhole('limit', limit, 1, 10_000);
  const run = await loadRun(engine, id);
  const outcomes: BulkOutcome[] = [];
  for (let from = after + 1; outcomes.length < limit;) {
    const part = await outcomesFrom(engine, run, from, limit - outcomes.length);
    if (part.length === 0) return { outcomes };
    for (const each of part) outcomes.push(each);
    from += part.length;
  }
  const last = outcomes.at(-1)?.index ?? after;
  const isAll = last + 1 >= contextOf(run).progress.done;
  return { outcomes, ...(!isAll && { next: last }) };
}

/** All outcomes of a run that are known, a chunk at a time. */
export async function* allOutcomes(engine: Engine, id: string): AsyncGenerator<BulkOutcome, void> {
  const run = await loadRun(engine, id);
  for (let from = 0; ;) {
    const part = await outcomesFrom(engine, run, from, chunkSize);
    if (part.length === 0) return;
    yield* part;
    from += part.length;
  }
}

/** Outcomes from an index on, to the end of its chunk at most. */
async function outcomesFrom(
  engine: Engine,
  run: LiveJob,
  from: number,
  limit: number,
): Promise<BulkOutcome[]> {
  const { leading, progress } = contextOf(run);
  if (from >= progress.done) return [];
  const place = leading + Math.floor(from / chunkSize);
  const [chunk, kinds] = await Promise.all([
    readChunk(engine, run, place),
    readOutcomesOf(engine, run.id, place),
  ]);
  const skipped = from % chunkSize;
  return (kinds ?? []).slice(skipped, skipped + limit).map((kind, offset) => ({
    index: from + offset,
    id: chunk.ids[skipped + offset] ?? '',
    ...kind,
  }));
}

/** Runs, the newest first. May lag behind as lists do. */
export async function listRuns(
  { store, registry, limits }: Engine,
  {
    limit = 50,
    cursor,
  }: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
): Promise<{ runs: BulkRunView[]; next?: string }> {
  checkWhole('limit', limit, 1, limits.page);
  const after = readCursor(cursor);
  const documents = await store.listJobs(
    { type: bulkRun.name },
    { limit: limit + 1, ...(after && { after }) },
  );
  const page = documents.slice(0, limit);
  const runs = page.map((each) =>
    viewRun(fromJobDocument(registry, each, JSON.stringify(each.data))),
  );
  const last = page.at(-1);
  return {
    runs,
    ...(last && documents.length > limit && { next: `${last.createdAt.getTime()}.${last.id}` }),
  };
}

function readCursor(cursor: string | undefined): Page['after'] {
  const [, time, id] = /^(\d{1,15})\.(.{1,200})$/.exec(cursor ?? '') ?? [];
  return time === undefined || id === undefined
    ? undefined
    : { createdAt: new Date(Number(time)), id };
}
