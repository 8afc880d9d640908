import type { Principal } from '../auth/authorise.ts';
import { IdempotencyConflict, InvalidTransition } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { sendEvents } from '../jobs/sendEvents.ts';
import { actOnChunk } from './actOn.ts';
import { readFamily } from './family.ts';
import type { Chunk } from './gatherTargets.ts';
import type { OutcomeKind } from './outcome.ts';
import { hasEnded } from './readRun.ts';
import { contextOf, inputOf, loadRun, readChunk, tellRun, writeOutcomes } from './runLog.ts';
import { createWork, type Work } from './work.ts';

/**
 * Works on a run in the background, chunk by chunk, until it is done, is stopped, or another process has
 * taken it over. What fails here is left to the next turn of the duty.
 */
export function startDriving(
  engine: Engine,
  run: string,
  given?: { readonly principal: Principal; readonly chunks: readonly Chunk[] },
): Promise<void> {
  const onFailure = (error: unknown): void =>
    engine.telemetry.emit('duty.failed', { duty: `bulk ${run}`, error: String(error) });
  return engine.bulkRuns.start(run, () => driveRun(engine, run, given), onFailure);
}

async function driveRun(
  engine: Engine,
  id: string,
  given: { readonly principal: Principal; readonly chunks: readonly Chunk[] } | undefined,
): Promise<void> {
  const run = await loadRun(engine, id);
  const chunks = given?.chunks ?? (await readChunks(engine, run));
  const work = await openWork(engine, run, chunks, given?.principal);
  const underWay = new Map<number, Promise<OutcomeKind[]>>();
  try {
    await workThrough(work, run, chunks, underWay);
  } catch (error) {
    if (!isFencedOff(error)) throw error;
  } finally {
    await Promise.allSettled(underWay.values());
  }
  // Not waited for one by one: what deletions leave behind follows from here.
  if (work.asked.isHard) await engine.projector.flush();
}

/** The log refuses whoever is not the run's runner any more. */
const isFencedOff = (error: unknown): boolean =>
  error instanceof InvalidTransition || error instanceof IdempotencyConflict;

/** Chunk by chunk; what is begun is also written down where it is told to stop. */
async function workThrough(
  work: Work,
  from: LiveJob,
  chunks: readonly Chunk[],
  underWay: Map<number, Promise<OutcomeKind[]>>,
): Promise<void> {
  const { engine } = work;
  for (let run = from; !hasEnded(run);) {
    const { chunk: place } = contextOf(run);
    if (run.state === 'running' && !engine.bulkRuns.isStopping) {
      beginChunks(work, chunks, place, underWay);
    }
    const [chunk, outcomes] = [chunks[place], underWay.get(place)];
    if (chunk && outcomes) {
      run = await writeOutcomes(engine, run, chunk, await outcomes);
      underWay.delete(place);
    } else if (run.state === 'stopping' || !chunk) {
      const data = { runner: engine.processId };
      run = (await tellRun(engine, run.id, [{ name: 'finish', data }])).job;
    } else return;
  }
}

/** The chunk at a place, and the one after it where neither needs the other to be done before. */
function beginChunks(
  work: Work,
  chunks: readonly Chunk[],
  place: number,
  underWay: Map<number, Promise<OutcomeKind[]>>,
): void {
  const isFree = work.family.parents.size === 0;
  for (const next of isFree ? [place, place + 1] : [place]) {
    const chunk = chunks[next];
    if (!chunk || underWay.has(next)) continue;
    const outcomes = actOnChunk(work, chunk);
    // Told where it is waited for.
    outcomes.catch(() => undefined);
    underWay.set(next, outcomes);
  }
}

async function readChunks(engine: Engine, run: LiveJob): Promise<Chunk[]> {
  const places = Array.from({ length: contextOf(run).chunks }, (_none, place) => place);
  return Promise.all(places.map((place) => readChunk(engine, run, place)));
}

async function openWork(
  engine: Engine,
  run: LiveJob,
  chunks: readonly Chunk[],
  principal: Principal | undefined,
): Promise<Work> {
  return createWork({
    engine,
    principal: principal ?? (await requesterOf(engine, run)),
    asked: inputOf(run),
    run: run.id,
    send: async (jobId, request) => (await sendEvents(engine, jobId, request)).job,
    ...(await relationsOf(engine, chunks)),
  });
}

/** Where each id stands, and who among all of them is a parent of whom. */
export async function relationsOf(
  engine: Engine,
  chunks: readonly Chunk[],
): Promise<Pick<Work, 'indices' | 'family'>> {
  const indices = new Map<string, number>();
  const all = new Set<string>();
  for (const chunk of chunks) {
    for (const [place, id] of chunk.ids.entries()) {
      all.add(id);
      if (chunk.kind === 'requested' && !indices.has(id)) indices.set(id, chunk.from + place);
    }
  }
  return { indices, family: await readFamily(engine, all) };
}

/** Whoever asked for it: without the token, which has done its part. */
async function requesterOf({ store }: Engine, run: LiveJob): Promise<Principal> {
  const [commit] = await store.readCommits(run.id, run.createdSeq, 1);
  const actor = commit?.entries[run.createdSeq - commit.seq]?.actor;
  if (!actor) throw new Error(`bulk run ${run.id} has lost its creation`);
  return { actor: { kind: actor.kind, id: actor.id } };
}
