import { deriveProjection } from './deriveProjection.ts';
import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';

/** Does what is left to do of a removal, whoever began it, before its id may live again. */
export async function finishRemoval(engine: Engine, job: LiveJob): Promise<void> {
  const { store, projector, effects } = engine;
  if ((await store.projectedSeq(job.id)) >= job.seq) return;
  const projection = await deriveProjection(engine, job.id);
  if (projection) projector.mark(projection);
  await projector.flush();
  await effects.runFor(job.id, job.seq);
}
