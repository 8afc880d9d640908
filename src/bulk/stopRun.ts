import { authorise, type Principal } from '../auth/authorise.ts';
import type { Engine } from '../jobs/engine.ts';
import { takeEvent } from '../jobs/parseEvent.ts';
import { sendEvents } from '../jobs/sendEvents.ts';
import { viewRun, type BulkRunView } from './readRun.ts';
import { loadRun } from './runLog.ts';

/**
 * Ends a run between two chunks; what is done stays done, and what is not has no outcome. Throws
 * InvalidTransition where it has ended.
 */
export async function stopRun(
  engine: Engine,
  principal: Principal,
  id: string,
  { reason }: { readonly reason?: string | undefined } = {},
): Promise<BulkRunView> {
  authorise(principal, 'bulk.run');
  await loadRun(engine, id);
  const data = reason === undefined ? undefined : { reason };
  const { job } = await sendEvents(engine, id, {
    principal,
    demand: { kind: 'events', events: [takeEvent({ name: 'stop', data }, engine.jsonLimits)] },
  });
  return viewRun(job);
}
