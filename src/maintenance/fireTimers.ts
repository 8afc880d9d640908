import type { Engine } from '../jobs/engine.ts';
import { sendEvents } from '../jobs/sendEvents.ts';

const batch = 100;

/** Fires the delayed transitions that are due, also those that came due while no process ran. */
export async function fireTimers(engine: Engine): Promise<void> {
  const { store, telemetry } = engine;
  const due = await store.dueTimers(new Date(engine.now()), batch);
  const principal = { actor: { kind: 'system', id: 'timer' } } as const;
  const outcomes = await Promise.allSettled(
    due.map(async (jobId) => {
      const { entries } = await sendEvents(engine, jobId, {
        principal,
        demand: { kind: 'timers' },
      });
      for (const { entry } of entries)
        telemetry.emit('timer.fired', { jobId, timer: entry.data ?? '' });
    }),
  );
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') {
      telemetry.emit('duty.failed', { duty: 'fireTimers', error: String(outcome.reason) });
    }
  }
}
