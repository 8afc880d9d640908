import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobManager, type OpenOptions } from 'jobwright';
import { afterAll } from 'vitest';
import { meter } from './meter.ts';
import { seededRandom } from './seededRandom.ts';

const secrets = `k1:${randomBytes(32).toString('base64')}`;

/** A home that goes after the test file. */
export async function temporaryHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-verify-'));
  afterAll(() => rm(home, { recursive: true, force: true }));
  return home;
}

/** Opens a manager with the meter, in a temporary home; it is closed after the test file. */
export async function openManager(options: OpenOptions<[typeof meter]> = {}) {
  const home = await temporaryHome();
  const manager = await JobManager.open({
    secrets,
    home,
    logLevel: 'silent',
    machines: [meter],
    ...options,
  });
  afterAll(() => manager.close());
  return manager;
}

export type VerifiedManager = Awaited<ReturnType<typeof openManager>>;

/**
 * Fills a database with all that a log can hold: chains, keys, resets, timers, revoked tokens, a job
 * that was cancelled, jobs that were deleted, one that lives again, and links that were cleaned.
 */
export async function populate(manager: VerifiedManager, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const { token } = manager.issueToken({ kind: 'admin', subject: 'ada' });
  await manager.pipelines.put('count');
  await manager.documents.put('files', 'text', { uri: 'agave://store/uploads/text' });
  const setup = (nr: number, parents: readonly string[] = []) =>
    manager.setup('pipelineJob', {
      pipeline: 'count',
      parents,
      data: { nr, seed, inputs: ['agave://store/uploads/text'] },
      tags: ['sample'],
    });
  const gone = await setup(0);
  await gone.run({ at: 'first' }).update({ page: 1 });
  for (let nr = 1; nr <= 8; nr += 1) {
    const job = await setup(nr, nr % 4 === 0 ? [gone.id] : []);
    for (let turn = random.below(4); turn >= 0; turn -= 1) {
      await job.run({ turn }).update({ words: random.below(1_000) });
      await job.sendAll([{ name: 'update', data: { turn, again: true } }], { key: `turn-${turn}` });
    }
    if (nr % 3 === 0) await job.revokeTokens('lost');
    await job.finish({ files: random.below(9) });
    if (nr % 2 === 0) await job.reset({ token, reason: 'once more', keepArchive: nr % 4 === 0 });
  }
  await manager.documents.put('samples', 'result', { generated_by: [gone.id], name: 'result' });
  await gone.delete({ token, reason: 'a mistake' });
  await (await setup(20)).cancel();
  const again = await setup(21);
  await again.run({ life: 1 }).fail({ why: 'no disk' });
  await again.delete({ token, reason: 'start over' });
  await (await setup(21)).run({ life: 2 }).finish();
  for (const unit of ['kWh', 'm3']) {
    const job = await manager.setup('meter', { data: { unit, seed } });
    await job.read({ value: 3 }).read({ value: 4 });
    if (unit === 'm3') await job.close();
  }
  await manager.maintain();
}
