import { setTimeout as pause } from 'node:timers/promises';
import type { Engine } from '../jobs/engine.ts';
import type { EffectRun } from '../machine/effect.ts';

/** Milliseconds between looks, and how many there are. */
const patience = { pause: 20, looks: 50 };

/**
 * Resolves once the entry that asked for an effect stands in lists. The outbox has an effect before the
 * list has its entry, by the time of one write, which may be another process's. Rejects where that takes
 * so long that the effect is better tried again.
 */
export async function awaitProjection(
  { store, projector }: Pick<Engine, 'store' | 'projector'>,
  { jobId, seq, signal }: Pick<EffectRun, 'jobId' | 'seq' | 'signal'>,
): Promise<void> {
  if ((await store.projectedSeq(jobId)) >= seq) return;
  await projector.flush();
  for (let look = 1; (await store.projectedSeq(jobId)) < seq; look += 1) {
    if (look === patience.looks) throw new Error(`entry ${jobId}:${seq} is not projected yet`);
    await pause(patience.pause, undefined, { signal });
  }
}
