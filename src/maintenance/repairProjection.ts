import { countMoves, isMoving, moveOf, type Move } from '../jobs/countMoves.ts';
import { effectTasks } from '../jobs/deriveProjection.ts';
import type { Engine } from '../jobs/engine.ts';
import { snapshotOf, type LiveJob } from '../jobs/liveJob.ts';
import { foldOnto, loadJob } from '../jobs/loadJob.ts';
import { lastSeq, type Commit, type ProcessBeat } from '../store/store.ts';

/** Milliseconds of silence after which a process may be gone: what it left is projected, to no harm if it lives. */
const silentMs = 500;
/** Milliseconds after which it is taken for gone: the effects that it had taken are free for others. */
const goneMs = 5_000;
const batchSize = 1_000;

/** Says that this process lives, and up to when its commits are projected and counted. */
export const beat = async ({ store, projector, processId }: Engine): Promise<void> =>
  store.beat(processId, projector.projectedUntil());

/**
 * Derives what processes that fell silent left unprojected, counts what they left uncounted, and frees
 * the effects that those which are gone had taken. `repaired` remembers the silences that were seen to, by
 * the time of their last beat.
 */
export async function repairLost(
  engine: Engine,
  repaired = new Map<string, number>(),
): Promise<void> {
  const { now, beats } = await engine.store.readBeats();
  const silenceOf = ({ beatAt }: ProcessBeat): number => now.getTime() - beatAt.getTime();
  // What a dead process wrote last may not be with a majority yet, and so not be seen: what came before
  // this write is.
  if (beats.some((each) => silenceOf(each) >= goneMs)) await beat(engine);
  for (const each of beats) {
    const { process, projectedUntil, beatAt } = each;
    const silence = silenceOf(each);
    if (process === engine.processId || silence < silentMs) continue;
    let isDone = false;
    // Once more before it is forgotten: a commit that was on its way may have come in since.
    if (silence >= goneMs || repaired.get(process) !== beatAt.getTime()) {
      isDone = await repairProcess(engine, process, projectedUntil);
      repaired.set(process, beatAt.getTime());
    }
    if (silence < goneMs) continue;
    await engine.store.releaseEffects(process);
    if (!isDone) continue;
    await engine.store.forgetProcess(process);
    repaired.delete(process);
  }
}

/** At start: also of processes that may be living, as one that has just been killed still seems to be. */
export async function repairAll(engine: Engine): Promise<void> {
  const { beats } = await engine.store.readBeats();
  for (const { process, projectedUntil } of beats)
    await repairProcess(engine, process, projectedUntil);
}

/**
 * A later commit of another process may have moved a job's document past one that was never projected:
 * so its effects are put into the outbox whatever the document says. Known ones stay as they are.
 * Resolves to whether that was all: jobs of a machine that is not known here are left to who knows it;
 * but counted they are, as that takes no machine.
 */
async function repairProcess(engine: Engine, process: string, since: Date): Promise<boolean> {
  const { store, telemetry } = engine;
  let repaired = 0;
  let isDone = true;
  const moves: Move[] = [];
  let batch: Commit[] = [];
  const repairBatch = async (): Promise<void> => {
    const jobs = await repairJobs(engine, batch);
    batch = [];
    const known = jobs.filter((job) => job.removed || snapshotOf(job)).length;
    repaired += known;
    if (known < jobs.length) isDone = false;
  };
  for await (const commit of store.scanCommitsOf(process, since)) {
    const move = moveOf(commit);
    if (isMoving(move)) moves.push(move);
    batch.push(commit);
    if (batch.length >= batchSize) await repairBatch();
  }
  if (batch.length > 0) await repairBatch();
  if (moves.length > 0) await countMoves(store, process, moves);
  if (repaired > 0) telemetry.emit('projection.repaired', { jobs: repaired, process });
  return isDone;
}

/** Projects what these commits come to, as far as it is not; the jobs that it concerned. */
async function repairJobs(engine: Engine, commits: readonly Commit[]): Promise<LiveJob[]> {
  const { store, registry, projector } = engine;
  const byJob = new Map<string, Commit[]>();
  for (const commit of commits) {
    const own = byJob.get(commit.job);
    if (own) own.push(commit);
    else byJob.set(commit.job, [commit]);
  }
  const projected = await store.readProjected([...byJob.keys()]);
  const repairs = [...byJob].map(async ([id, own]): Promise<LiveJob[]> => {
    const effects = own.flatMap((commit) => effectTasks(commit));
    const { seq = 0, document } = projected.get(id) ?? {};
    if (effects.length === 0 && own.every((commit) => lastSeq(commit) <= seq)) return [];
    // What this process has read is enough, unless other processes wrote in between.
    const job = foldOnto(registry, document, own) ?? (await loadJob(engine, id));
    if (!job) return [];
    projector.mark({ job, effects });
    return [job];
  });
  const jobs = (await Promise.all(repairs)).flat();
  await projector.flush();
  return jobs;
}
