import { deriveProjection } from './deriveProjection.ts';
import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';

/** Whether nothing is left to do of a removal, so that its id may live again. */
export const isRemovalFinished = async (
  { store }: Engine,
  { id, seq }: LiveJob,
): Promise<boolean> => (await store.projectedSeq(id)) >= seq;

/** Does what is left to do of a removal, whoever began it, before its id may live again. */
export async function finishRemoval(engine: Engine, job: LiveJob): Promise<void> {
  const { projector, effects } = engine;
  const projection = await deriveProjection(engine, job.id);
  if (projection) projector.mark(projection);
  await projector.flush();
  await effects.runFor(job.id, job.seq);
}
