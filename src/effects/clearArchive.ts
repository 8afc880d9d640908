import type { Archive } from '../archive/archive.ts';
import type { EffectHandler } from '../machine/effect.ts';
import type { Store } from '../store/store.ts';

/**
 * Empties the job's archive directory, keeps the directory, then opens the job with `ready`. Does
 * nothing where the job has moved on, so that a late attempt never touches the files of a new run.
 */
export const clearArchive =
  (archive: Archive, store: Store): EffectHandler =>
  async (run) => {
    if (await run.isSuperseded()) return;
    await archive.empty(run.archivePath);
    await run.send('ready');
    // An earlier attempt that was parked is settled by this one.
    await store.dropEffects(run.jobId, run.seq - 1, new Date());
  };
