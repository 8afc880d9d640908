import type { Engine } from '../jobs/engine.ts';
import { deriveProjection } from '../jobs/deriveProjection.ts';

/** A process that has not said for so long that it lives, in milliseconds, is taken for gone. */
const silenceMs = 2_500;
const batch = 200;

/** Says that this process lives, and up to when its commits are projected. */
export const beat = async ({ store, projector, processId }: Engine): Promise<void> =>
  store.beat(processId, projector.projectedUntil());

/** Derives what processes that are gone left unprojected, and frees the effects they had taken. */
export async function repairLost(engine: Engine): Promise<void> {
  const { now, beats } = await engine.store.readBeats();
  for (const { process, projectedUntil, beatAt } of beats) {
    if (process === engine.processId || now.getTime() - beatAt.getTime() < silenceMs) continue;
    await repairProcess(engine, process, projectedUntil);
    await engine.store.releaseEffects(process);
    await engine.store.forgetProcess(process);
  }
}

/** At start: also of processes that may be living, as one that has just been killed still seems to be. */
export async function repairAll(engine: Engine): Promise<void> {
  const { beats } = await engine.store.readBeats();
  for (const { process, projectedUntil } of beats)
    await repairProcess(engine, process, projectedUntil);
}

async function repairProcess(engine: Engine, process: string, since: Date): Promise<void> {
  let jobs = new Set<string>();
  let repaired = 0;
  const repairBatch = async (): Promise<void> => {
    const ids = [...jobs];
    jobs = new Set();
    const projections = await Promise.all(ids.map((id) => deriveProjection(engine, id)));
    const missing = projections.filter((projection) => projection !== null);
    missing.forEach((projection) => engine.projector.mark(projection));
    repaired += missing.length;
    await engine.projector.flush();
  };
  for await (const { job } of engine.store.scanCommitsOf(process, since)) {
    jobs.add(job);
    if (jobs.size >= batch) await repairBatch();
  }
  await repairBatch();
  if (repaired > 0) engine.telemetry.emit('projection.repaired', { jobs: repaired, process });
}
