import { countMoves, isMoving, moveOf, type Move } from '../jobs/countMoves.ts';
import { effectTasks } from '../jobs/deriveProjection.ts';
import type { Engine } from '../jobs/engine.ts';
import { snapshotOf } from '../jobs/liveJob.ts';
import { loadJob } from '../jobs/loadJob.ts';
import { lastSeq, type EffectTask, type ProcessBeat } from '../store/store.ts';

/** Milliseconds of silence after which a process may be gone: what it left is projected, to no harm if it lives. */
const silentMs = 500;
/** Milliseconds after which it is taken for gone: the effects that it had taken are free for others. */
const goneMs = 5_000;
const batch = 200;

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
  const { store, projector, telemetry } = engine;
  let lost = new Map<string, { seq: number; effects: EffectTask[] }>();
  let repaired = 0;
  let isDone = true;
  const moves: Move[] = [];
  const repairBatch = async (): Promise<void> => {
    const jobs = [...lost];
    lost = new Map();
    const isMissing = await Promise.all(
      jobs.map(
        async ([id, { seq, effects }]) =>
          effects.length > 0 || (await store.projectedSeq(id)) < seq,
      ),
    );
    for (const [index, [id, { effects }]] of jobs.entries()) {
      const job = isMissing[index] ? await loadJob(engine, id) : null;
      if (!job) continue;
      projector.mark({ job, effects });
      if (job.removed || snapshotOf(job)) repaired += 1;
      else isDone = false;
    }
    await projector.flush();
  };
  for await (const commit of store.scanCommitsOf(process, since)) {
    const { effects } = lost.get(commit.job) ?? { effects: [] };
    const move = moveOf(commit);
    if (isMoving(move)) moves.push(move);
    lost.set(commit.job, { seq: lastSeq(commit), effects: [...effects, ...effectTasks(commit)] });
    if (lost.size >= batch) await repairBatch();
  }
  await repairBatch();
  if (moves.length > 0) await countMoves(store, process, moves);
  if (repaired > 0) telemetry.emit('projection.repaired', { jobs: repaired, process });
  return isDone;
}
