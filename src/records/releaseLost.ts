import type { Engine } from '../jobs/engine.ts';
import { releaseHeld, type ReleaseReason } from './releaseJobs.ts';

/** Workers that one turn declares lost at most. */
const batch = 100;

/**
 * Ends the workers that are silent past their deadline and gives back what they have; and what any other
 * has who is not active: claimed in the very moment of its end, say, or by a process that died then.
 */
export async function releaseLost(engine: Engine): Promise<void> {
  const { store, now } = engine;
  const at = new Date(now());
  const silent = await store.silentWorkers(at, batch);
  for (const worker of silent) await store.endWorker(worker, 'lost', at, { onlySilent: true });
  const holders = [...new Set([...silent, ...(await store.listHolders())])];
  if (holders.length === 0) return;
  const statuses = await store.workerStatuses(holders);
  for (const worker of holders) {
    const status = statuses.get(worker);
    if (status !== 'active') await releaseHeld(engine, worker, reasonOf(status));
  }
}

function reasonOf(status: 'inactive' | 'lost' | undefined): ReleaseReason {
  if (status === 'lost') return { reason: 'its worker fell silent', lost: true };
  if (status === 'inactive') return { reason: 'its worker was deactivated' };
  return { reason: 'there is no such worker' };
}
