import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidTransition, type Entry } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { waitUntil } from '../support/waitUntil.ts';
import { storeKinds, useRecordWorld, type RecordHandle } from './recordWorld.ts';

describe.each(storeKinds)('records that are put away and brought back on %s', (kind) => {
  const world = useRecordWorld(kind);
  const adminToken = () => world.manager.issueToken({ kind: 'admin', subject: 'ada' }).token;
  const error = { type: 'unknown_error', message: 'no convergence' };
  const documentOf = async (id: string) => {
    await world.manager.engine.projector.flush();
    return world.manager.engine.store.readJob(id);
  };

  it('tell in their history who did it, and why, and lead back level by level', async () => {
    const job = await world.newRecord();
    await job.claim({ worker: 'willow' }).fail({ epoch: 1, error });
    const steps = ['cancel', 'delete', 'undelete', 'uncancel', 'reset'];
    const states = ['cancelled', 'deleted', 'cancelled', 'error', 'waiting'];
    for (const [place, step] of steps.entries()) {
      await job.send(step, { reason: `why ${step}` });
      expect(job.state).toBe(states[place]);
    }
    const { entries } = await job.history({ after: 3 });
    expect(entries.map(({ name, data, actor }) => [name, data, actor])).toEqual(
      steps.map((step) => [step, { reason: `why ${step}` }, { kind: 'operator', id: 'library' }]),
    );
    expect(job.view().details).toMatchObject({ error: null, worker: null, attempts: 1, undo: [] });
  });

  it('keep their place in the queue, their tag and their priority', async () => {
    const job = await world.newRecord({ data: { tag: 'gpu', priority: 'high' } });
    const before = (await documentOf(job.id))?.queue;
    expect(before).toMatchObject({ priority: 750, since: new Date(job.view().createdAt) });
    await job.send('cancel');
    expect(await documentOf(job.id)).not.toHaveProperty('queue');
    await job.send('delete').undelete().uncancel();
    expect((await documentOf(job.id))?.queue).toEqual(before);
    await job.claim({ worker: 'willow' });
    expect(await documentOf(job.id)).toMatchObject({ lease: { worker: 'willow', epoch: 1 } });
    await job.send('cancel');
    expect(await documentOf(job.id)).not.toHaveProperty('lease');
    await job.uncancel();
    expect((await documentOf(job.id))?.queue).toEqual(before);
  });

  it('refuse what comes too late under an old claim, and a second undoing', async () => {
    const job = await world.newRecord();
    await job.claim({ worker: 'willow' }).cancel({}).uncancel();
    await expect(job.finish({ epoch: 1 })).rejects.toThrow(InvalidTransition);
    await expect(job.uncancel()).rejects.toThrow(InvalidTransition);
    expect(job.state).toBe('waiting');
  });

  it('are created once, and updated with each change of their state, but not by a refusal', async () => {
    const job = await world.newRecord();
    const { createdAt } = job.view();
    const steps = ['claim', 'finish', 'invalidate', 'delete', 'undelete', 'uninvalidate'];
    for (const step of steps) {
      const before = new Date().toISOString();
      await job.send(step, step === 'claim' ? { worker: 'willow' } : undefined);
      const { updatedAt, createdAt: still } = job.view();
      expect(still).toBe(createdAt);
      expect(updatedAt >= before && updatedAt <= new Date().toISOString()).toBe(true);
    }
    const { updatedAt, version } = job.view();
    for (const refused of ['cancel', 'uncancel', 'reset', 'undelete']) {
      await expect(job.send(refused)).rejects.toThrow(InvalidTransition);
    }
    await job.refresh();
    expect(job.view()).toMatchObject({ updatedAt, version });
  });

  describe('with their archive emptied at a reset', () => {
    const failed = async (): Promise<{ job: RecordHandle; files: () => Promise<string[]> }> => {
      const job = await world.newRecord();
      await job.claim({ worker: 'willow' }).fail({ epoch: 1, error });
      await mkdir(job.archiveDirectory, { recursive: true });
      await writeFile(join(job.archiveDirectory, 'left.txt'), 'of the attempt before');
      return { job, files: () => readdir(job.archiveDirectory) };
    };
    const namesOf = (entries: readonly Entry[]) => entries.map(({ name }) => name);

    it('are reset by an admin as every job is, and ready again at once', async () => {
      const { job, files } = await failed();
      await job.reset({ token: adminToken(), reason: 'mended' });
      expect(await files()).toEqual([]);
      expect(job).toMatchObject({ state: 'waiting', context: { cleaning: false, retried: {} } });
      expect(namesOf((await job.history({ after: 3 })).entries)).toEqual(['reset', 'ready']);
      expect((await job.claim({ worker: 'wanda' })).state).toBe('running');
    });

    it('are nobody’s to claim before it is empty', async () => {
      const { job, files } = await failed();
      const reset = job.send('reset', { keepArchive: false });
      await expect(reset.claim({ worker: 'wanda' })).rejects.toThrow(/guard mayClaim refused/);
      expect(await files()).toEqual(['left.txt']);
      await job
        .send('reset', { keepArchive: false })
        .comment({ text: 'soon' })
        .modify({ priority: 1 });
      await untilReady(job);
      expect(await files()).toEqual([]);
      expect((await job.claim({ worker: 'wanda' })).state).toBe('running');
    });

    it('are emptied all the same where they were put away meanwhile', async () => {
      const { job, files } = await failed();
      await job.send('reset', { keepArchive: false }).cancel().send('delete').undelete().uncancel();
      await untilReady(job);
      expect(await files()).toEqual([]);
    });

    it('keep their archive where nothing else is asked for', async () => {
      const { job, files } = await failed();
      await job.send('reset').claim({ worker: 'wanda' });
      expect(job.state).toBe('running');
      expect(await files()).toEqual(['left.txt']);
    });

    /** Once the engine has done what it does in the background. */
    const untilReady = (job: RecordHandle) =>
      waitUntil(
        'the archive',
        async () => {
          await world.manager.maintain();
          await job.refresh();
          return job.context['cleaning'] === false || 'is being emptied';
        },
        10_000,
      );
  });
});
