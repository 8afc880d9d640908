import { setTimeout as pause } from 'node:timers/promises';
import type { Engine } from '../jobs/engine.ts';
import { loadJob } from '../jobs/loadJob.ts';
import type { EffectRun } from '../machine/effect.ts';

/** Milliseconds between looks, and how many there are. */
const patience = { pause: 20, looks: 50 };

/**
 * Resolves once the entry that asked for an effect stands in lists. The outbox has an effect before the
 * list has its entry, by the time of one write, which may be another process's. Rejects where that takes
 * so long that the effect is better tried again. A job that was removed meanwhile is never listed with the
 * entry; then the effect must not hold up what follows its removal.
 */
export async function awaitProjection(
  engine: Pick<Engine, 'store' | 'projector' | 'registry' | 'live'>,
  { jobId, seq, signal }: Pick<EffectRun, 'jobId' | 'seq' | 'signal'>,
): Promise<void> {
  const { store, projector } = engine;
  if ((await store.projectedSeq(jobId)) >= seq) return;
  await projector.flush();
  for (let look = 1; (await store.projectedSeq(jobId)) < seq; look += 1) {
    if ((await loadJob(engine, jobId))?.removed) return;
    if (look === patience.looks) throw new Error(`entry ${jobId}:${seq} is not projected yet`);
    await pause(patience.pause, undefined, { signal });
  }
}
