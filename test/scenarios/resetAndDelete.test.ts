import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EffectFailed, InvalidData, InvalidTransition, JobNotFound } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { linkFields, type Commit } from '../../src/store/store.ts';
import { states, wayTo } from '../machines/pipelineJobTable.ts';
import {
  historyOf,
  linkedCollections,
  namesOf,
  useWorld,
  type PipelineJobHandle,
} from './world.ts';

const world = useWorld({ frozenAt: '2026-11-16T09:00:00.000Z' });
const reason = 'wrong reference';

const adminJob = async (input = {}): Promise<PipelineJobHandle> =>
  world.asAdmin((await world.newJob(input)).id);

describe('a reset', () => {
  it('empties the archive, keeps its directory, and says why and by whom', async () => {
    const job = await adminJob();
    await job.run().finish();
    await mkdir(join(job.archiveDirectory, 'deep/er'), { recursive: true });
    await writeFile(join(job.archiveDirectory, 'deep/er/result.csv'), '1');
    const outside = join(world.options.home, 'linked');
    await mkdir(outside);
    await writeFile(join(outside, 'precious'), '1');
    await symlink(outside, join(job.archiveDirectory, 'link'));

    expect(await job.reset({ reason, data: { ticket: 7 } })).toBe(job);

    expect(job.view()).toMatchObject({ state: 'CREATED', version: 5, lastEvent: 'ready' });
    expect(await readdir(job.archiveDirectory)).toEqual([]);
    expect(await readdir(outside)).toEqual(['precious']);
    const [reset, ready] = (await historyOf(job)).slice(-2);
    const actor = { kind: 'admin', id: 'ada' };
    const data = { ticket: 7, reason, keepArchive: false };
    expect(reset).toMatchObject({ name: 'reset', from: 'FINISHED', to: 'RESET', data, actor });
    expect(ready).toMatchObject({ name: 'ready', from: 'RESET', to: 'CREATED', actor });
  });

  it('leaves the files where it is told to', async () => {
    const job = await adminJob();
    await writeFile(join(job.archiveDirectory, 'result.csv'), 'kept');
    await job.reset({ reason, keepArchive: true });
    expect(job.state).toBe('CREATED');
    expect(await readFile(join(job.archiveDirectory, 'result.csv'), 'utf8')).toBe('kept');
    expect((await historyOf(job))[1]?.data).toEqual({ reason, keepArchive: true });
  });

  it.each(states)('takes the whole way from %s', async (state) => {
    const job = await adminJob();
    const way = wayTo[state] ?? [];
    if (way.length > 0) await job.sendAll(way.map((name) => ({ name })));
    await job.reset({ reason });
    expect(job.state).toBe('CREATED');
    expect(await namesOf(job)).toBe(['create', ...way, 'reset', 'ready'].join(' '));
  });

  it.each([undefined, '', '  ', 5, 'x'.repeat(2_001)])('needs a reason, not %s', async (why) => {
    const job = await adminJob();
    const given = { reason: why as string };
    for (const attempt of [() => job.reset(given), () => job.delete(given)]) {
      const error = await world.refusal(job.id, InvalidData, attempt);
      expect(error.issues).toMatchObject([{ path: 'reason' }]);
    }
  });

  it('is refused with a keepArchive that is neither', async () => {
    const job = await adminJob();
    const given = { reason, keepArchive: 'no' as unknown as boolean };
    const error = await world.refusal(job.id, InvalidData, () => job.reset(given));
    expect(error.issues).toMatchObject([{ path: 'data.keepArchive' }]);
  });

  it('asked for many times at once ends in CREATED', async () => {
    const job = await adminJob();
    await job.run();
    const rival = await world.open();
    const other = await rival.job(job.id, { token: world.adminToken });
    await Promise.all([job, other, job, other].map((each) => each.reset({ reason })));
    expect((await job.refresh()).state).toBe('CREATED');
    await world.expectSound(rival);
  });

  it.each(['reset', 'ready'] as const)(
    'that cannot empty a linked directory fails, and %s recovers it',
    async (way) => {
      const job = await adminJob();
      await job.run();
      const outside = join(world.options.home, `outside-${way}`);
      await mkdir(outside);
      await writeFile(join(outside, 'precious'), '1');
      const aside = `${job.archiveDirectory}.aside`;
      await rename(job.archiveDirectory, aside);
      await symlink(outside, job.archiveDirectory);

      const failed = await job.reset({ reason }).then(String, (error: unknown) => error);
      expect(failed).toBeInstanceOf(EffectFailed);
      expect(failed).toMatchObject({
        code: 'EFFECT_FAILED',
        jobId: job.id,
        effect: 'clearArchive',
      });
      const again = await job
        .reset({ reason: 'not mended' })
        .then(String, (error: unknown) => error);
      expect(again).toBeInstanceOf(EffectFailed);
      await world.refusal(job.id, InvalidTransition, () => job.run());
      expect((await job.refresh()).state).toBe('RESET');
      expect(await readdir(outside)).toEqual(['precious']);

      await rm(job.archiveDirectory);
      await rename(aside, job.archiveDirectory);
      await writeFile(join(job.archiveDirectory, 'old.csv'), '1');
      if (way === 'ready') await job.ready();
      else await job.reset({ reason: 'mended' });
      expect(job.state).toBe('CREATED');
      const left = way === 'ready' ? ['old.csv'] : [];
      expect(await readdir(job.archiveDirectory)).toEqual(left);
      await job.run();
      await world.manager.maintain();
      expect((await job.refresh()).state).toBe('RUNNING');
      expect(await readdir(job.archiveDirectory)).toEqual(left);
      await job.reset({ reason: 'so that nothing is left parked' });
    },
  );
});

describe('a delete', () => {
  it('cleans all eight link fields, of documents and of jobs, and no other link', async () => {
    const job = await adminJob();
    const { documents } = world.manager;
    const links = Object.fromEntries(linkFields.map((field) => [field, ['a', job.id, 'z']]));
    for (const name of linkedCollections)
      await documents.put(name, `all-${name}`, { ...links, n: 1 });
    await documents.put('files', 'untouched', { child_of: ['a'], generated_by: [] });
    const child = await world.newJob({ parents: [job.id, '7d0c3a52-6a7e-4d9b-8a35-1f0c7c1d2e3f'] });
    await child.run();

    expect(await job.delete({ reason })).toEqual({ deleted: true, linksRemoved: 6 });

    const left = Object.fromEntries(linkFields.map((field) => [field, ['a', 'z']]));
    for (const name of linkedCollections) {
      const id = `all-${name}`;
      expect(await documents.get(name, id)).toEqual({ id, n: 1, ...left });
    }
    const untouched = { id: 'untouched', child_of: ['a'], generated_by: [] };
    expect(await documents.get('files', 'untouched')).toEqual(untouched);
    await child.refresh();
    expect(child.links.child_of).toEqual(['7d0c3a52-6a7e-4d9b-8a35-1f0c7c1d2e3f']);
    expect(child.state).toBe('RUNNING');
    expect((await historyOf(child)).at(-1)).toMatchObject({
      name: 'unlink',
      data: { id: job.id },
      actor: { kind: 'system', id: 'unlink' },
      from: 'RUNNING',
      to: 'RUNNING',
    });
    await world.expectSound();
  });

  it('leaves a tombstone and no data, and the chain of hashes whole', async () => {
    const job = await adminJob({ data: { secret: 'of the create' } });
    await job.run({ secret: 'of the run' }).update();
    await job.delete({ reason });
    const { commits } = (await world.stored(job.id)) as unknown as { commits: Commit[] };
    const [create, run, update, tombstone] = commits.flatMap(({ entries }) => entries);
    expect(tombstone).toMatchObject({
      name: 'delete',
      operation: 'remove',
      data: JSON.stringify({ reason }),
      actor: { kind: 'admin', id: 'ada' },
      from: 'RUNNING',
      to: null,
    });
    expect(commits.at(-1)).toMatchObject({ linksRemoved: 0 });
    const digest = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(create).toMatchObject({ data: null, dataDigest: digest('{"secret":"of the create"}') });
    expect(run).toMatchObject({ data: null, dataDigest: digest('{"secret":"of the run"}') });
    expect(update).toMatchObject({ name: 'update', data: null });
    await world.expectSound();
  });

  it('hides the job from every reader, in every manager, at once', async () => {
    const job = await adminJob({ tags: ['to-be-deleted'] });
    const other = await world.open();
    const seen = await other.job(job.id);
    await world.manager.maintain();
    expect((await other.list({ tag: 'to-be-deleted' })).jobs).toHaveLength(1);
    await job.delete({ reason });
    for (const attempt of [
      () => world.manager.job(job.id),
      () => other.job(job.id),
      () => seen.refresh(),
      () => seen.history(),
      () => seen.allowedEvents(),
      () => seen.run(),
      () => seen.cancel(),
      () => seen.revokeTokens(),
      () => job.reset({ reason }),
      () => job.delete({ reason }),
      () => seen.delete({ reason, token: world.adminToken }),
    ]) {
      const error = await world.refusal(job.id, JobNotFound, attempt);
      expect(error.jobId).toBe(job.id);
    }
    expect((await other.list({ tag: 'to-be-deleted' })).jobs).toEqual([]);
  });

  it.each(states)('is possible from %s', async (state) => {
    const job = await adminJob();
    await writeFile(join(job.archiveDirectory, 'result.csv'), 'kept');
    const way = wayTo[state] ?? [];
    if (way.length > 0) await job.sendAll(way.map((name) => ({ name })));
    await job.delete({ reason });
    await expect(job.refresh()).rejects.toThrow(JobNotFound);
    expect(await readdir(job.archiveDirectory)).toEqual(['result.csv']);
  });

  it('asked for many times at once is done once', async () => {
    const job = await adminJob();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => job.delete({ reason })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await world.expectSound();
  });
});
