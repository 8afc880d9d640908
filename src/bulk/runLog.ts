import { bulkRun, chunkSize, type BulkRunContext } from '../../machines/bulkRun.ts';
import type { Principal } from '../auth/authorise.ts';
import { JobNotFound } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { snapshotOf, type LiveJob } from '../jobs/liveJob.ts';
import { loadLiving } from '../jobs/loadJob.ts';
import { takeEvent } from '../jobs/parseEvent.ts';
import type { Answer } from '../jobs/request.ts';
import { sendEvents } from '../jobs/sendEvents.ts';
import type { JobFilter } from '../store/store.ts';
import type { Asked } from './bulkRequest.ts';
import type { Chunk } from './gatherTargets.ts';
import {
  packOutcomes,
  tally,
  unpackOutcomes,
  type OutcomeKind,
  type PackedOutcomes,
} from './outcome.ts';

/** What a run is about, as its creation says. */
export interface RunInput extends Pick<Asked, 'op' | 'data' | 'scope' | 'reason'> {
  readonly q?: JobFilter | undefined;
  readonly by: { readonly kind: string; readonly id: string };
  readonly runner: string;
  readonly call: string;
  readonly isHard: boolean;
}

/** The progress of a run is the engine's to tell; who asked for it stands in its creation. */
const system: Principal = { actor: { kind: 'system', id: 'bulk' } };

const chunkKey = (step: 'gather' | 'advance', chunk: number): string => `bulk:${step}:${chunk}`;

/** A run as it is now. Throws JobNotFound for what is none. */
export async function loadRun(engine: Engine, id: string): Promise<LiveJob> {
  const job = await loadLiving(engine, id);
  if (job.type !== bulkRun.name) throw new JobNotFound(id);
  return job;
}

/** What a run remembers; of one whose log leads nowhere, nothing. */
export const contextOf = (job: LiveJob): BulkRunContext =>
  // The machine of a run makes its context, and no other.
  snapshotOf(job)?.context as unknown as BulkRunContext;

export function inputOf({ data }: LiveJob): RunInput {
  const input = JSON.parse(data) as Omit<RunInput, 'isHard'>;
  const { hard, ...rest } = input.data ?? {};
  const isHard = input.op === 'delete' && hard === true;
  return { ...input, data: isHard ? rest : input.data, isHard };
}

/** Sends an event of a run's own progress. */
export function tellRun(
  engine: Engine,
  run: string,
  events: readonly { readonly name: string; readonly data: object }[],
  { key, ifVersion }: { readonly key?: string; readonly ifVersion?: number } = {},
): Promise<Answer> {
  return sendEvents(engine, run, {
    principal: system,
    demand: { kind: 'events', events: events.map((event) => takeEvent(event, engine.jsonLimits)) },
    ...(key !== undefined && { key }),
    ...(ifVersion !== undefined && { ifVersion }),
  });
}

/** Writes down all that a run acts on, and begins it. */
export async function writeTargets(
  engine: Engine,
  run: string,
  chunks: readonly Chunk[],
  sharedLeft: number,
): Promise<LiveJob> {
  // Each under a key of its own, by which it is found again; the mailbox makes few commits of them.
  const writing = chunks.map((chunk, place) =>
    tellRun(engine, run, [gatherEvent(chunk)], { key: chunkKey('gather', place) }),
  );
  // All of them are waited for: one that begins without a chunk never comes to its end.
  const written = await Promise.allSettled(writing);
  const failure = written.find(({ status }) => status === 'rejected');
  if (failure?.status === 'rejected') throw failure.reason;
  return (await tellRun(engine, run, [{ name: 'begin', data: { sharedLeft } }])).job;
}

function gatherEvent(chunk: Chunk) {
  if (chunk.kind === 'relatives') return { name: 'relate', data: { ids: chunk.ids } };
  const { ids, malformed, duplicate } = chunk;
  return {
    name: 'gather',
    data: {
      ids,
      ...(malformed.length > 0 && { malformed }),
      ...(duplicate.length > 0 && { duplicate }),
    },
  };
}

/** Writes down that a chunk is done, and with the last one that the run is. */
export async function writeOutcomes(
  engine: Engine,
  run: LiveJob,
  chunk: Chunk,
  outcomes: readonly OutcomeKind[],
): Promise<LiveJob> {
  const { chunk: place, chunks } = contextOf(run);
  const runner = engine.processId;
  const { counts, byCode } = tally(outcomes);
  const own =
    chunk.kind === 'requested'
      ? { from: chunk.from, outcomes: packOutcomes(outcomes), byCode }
      : {};
  const events = [{ name: 'advance', data: { runner, chunk: place, counts, ...own } }];
  const isLast = place + 1 === chunks;
  const finish = isLast ? [{ name: 'finish', data: { runner } }] : [];
  const key = chunkKey('advance', place);
  return (await tellRun(engine, run.id, [...events, ...finish], { key })).job;
}

interface GatherData {
  readonly ids: readonly string[];
  readonly malformed?: readonly number[];
  readonly duplicate?: readonly number[];
}

/** A chunk of a run by its place. */
export async function readChunk(engine: Engine, run: LiveJob, place: number): Promise<Chunk> {
  const entry = await findEntry(engine, run.id, chunkKey('gather', place));
  if (!entry?.data) throw new Error(`bulk run ${run.id} has lost chunk ${place}`);
  const { ids, malformed = [], duplicate = [] } = JSON.parse(entry.data) as GatherData;
  if (entry.name === 'relate') return { kind: 'relatives', ids };
  const from = (place - contextOf(run).leading) * chunkSize;
  return { kind: 'requested', from, ids, malformed, duplicate };
}

/** Outcomes of a chunk by its place; null where it is not done, or of relatives. */
export async function readOutcomesOf(
  engine: Engine,
  run: string,
  place: number,
): Promise<OutcomeKind[] | null> {
  const entry = await findEntry(engine, run, chunkKey('advance', place));
  const { outcomes } = JSON.parse(entry?.data ?? '{}') as { outcomes?: PackedOutcomes };
  return outcomes ? unpackOutcomes(outcomes) : null;
}

async function findEntry({ store }: Engine, run: string, key: string) {
  const commit = await store.findKey(run, key);
  return commit?.entries.find((entry) => entry.key === key);
}
