import { CancelTooLate, JobNotFound } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { useWorld } from './world.ts';

const world = useWorld();

describe('a cancel', () => {
  it('is decided by what is stored, not by what a process remembers (case 53)', async () => {
    const other = await world.open();
    const job = await world.newJob();
    const stale = await other.job(job.id);
    await job.update();
    expect(stale.version).toBe(1);
    const error = await world.refusal(job.id, CancelTooLate, () => stale.cancel());
    expect(error.from).toBe('CREATED');

    const fresh = await world.newJob();
    const attached = await other.job(fresh.id);
    await attached.cancel({ reason: 'not needed' });
    await expect(fresh.run()).rejects.toThrow(JobNotFound);
  });

  it('cleans links like a delete', async () => {
    const job = await world.newJob();
    await world.manager.documents.put('files', 'of-cancelled', { generated_by: [job.id] });
    await job.cancel();
    const file = await world.manager.documents.get('files', 'of-cancelled');
    expect(file?.['generated_by']).toEqual([]);
    await world.expectSound();
  });

  it('races a run: one of them wins, and the other is told', async () => {
    const other = await world.open();
    for (let round = 0; round < 10; round += 1) {
      const job = await world.newJob();
      const rival = await other.job(job.id);
      const [cancel, run] = await Promise.allSettled([job.cancel(), rival.run()]);
      expect([cancel.status, run.status].toSorted()).toEqual(['fulfilled', 'rejected']);
      const lost: unknown =
        cancel.status === 'rejected' ? cancel.reason : (run as { reason?: unknown }).reason;
      expect(lost).toBeInstanceOf(cancel.status === 'rejected' ? CancelTooLate : JobNotFound);
    }
    await world.expectSound(other);
  });
});
