import { randomBytes } from 'node:crypto';
import { access, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidData, InvalidTransition, JobManager, type Actor, type EffectRun } from 'jobwright';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approval } from '../../docs/examples/approval/approval.ts';
import { machineEvent } from '../../src/machine/event.ts';
import { createRegistry } from '../../src/machine/registry.ts';
import { start, step, type Accepted } from '../../src/machine/step.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { waitUntil } from '../support/waitUntil.ts';

const registered = createRegistry([approval]).get('approval');
const input = { title: 'Handbook', author: 'ada' };
const person = (id: string): Actor => ({ kind: 'operator', id });
const monday = '2026-11-16T09:00:00.000Z';
const nextMonday = '2026-11-23T09:00:00.000Z';

/** Plays events on a new document; stops at the first refusal. */
function play(...events: readonly (readonly [who: string, name: string, data?: object])[]) {
  let decision = start(registered, input, monday);
  for (const [who, name, data] of events) {
    if (!decision.accepted) return decision;
    const json = data === undefined ? null : JSON.stringify(data);
    const event = machineEvent(name, json, person(who), monday);
    decision = step(registered, decision.next, event, decision.timers);
  }
  return decision;
}

const submitted = ['ada', 'submit', { revision: 'r1' }] as const;

describe('the approval machine', () => {
  it('publishes when two people have approved, and files a notice of it', () => {
    expect(play(submitted, ['ben', 'approveLegal'], ['eve', 'approveTechnical'])).toMatchObject({
      accepted: true,
      from: 'review.legal.approved|review.technical.open',
      to: 'published',
      effects: [
        {
          type: 'fileNotice',
          params: {
            kind: 'published',
            title: 'Handbook',
            revision: 'r1',
            approvedBy: ['ben', 'eve'],
          },
        },
      ],
      timers: [],
    });
  });

  it.each([
    ['the author approves', [submitted, ['ada', 'approveLegal']], 'isIndependent'],
    [
      'one person approves twice',
      [submitted, ['ben', 'approveLegal'], ['ben', 'approveTechnical']],
      'isIndependent',
    ],
    ['somebody else submits', [['ben', 'submit', { revision: 'r1' }]], 'isAuthor'],
    ['somebody else withdraws', [['ben', 'withdraw']], 'isAuthor or isAdmin'],
  ] as const)('refuses when %s', (_what, events, guard) => {
    expect(play(...events)).toMatchObject({ accepted: false, reason: 'guard', detail: guard });
  });

  it('waits for a new revision when one reviewer has rejected', () => {
    const rejected = [submitted, ['ben', 'rejectLegal', { reason: 'no licence' }]] as const;
    expect(play(...rejected, ['eve', 'approveTechnical'])).toMatchObject({
      to: 'review.legal.rejected|review.technical.approved',
    });
    const again = play(...rejected, ['ada', 'revise'], ['ada', 'submit', { revision: 'r2' }]);
    expect(again).toMatchObject({
      to: 'review.legal.open|review.technical.open',
      next: { context: { revision: 'r2', approvedBy: [] } },
    });
  });

  it('escalates after seven days, unless the review is over', () => {
    const review = play(submitted) as Accepted;
    const [timer] = review.timers;
    expect(timer?.dueAt.toISOString()).toBe(nextMonday);
    const fired = machineEvent(
      timer?.event ?? '',
      null,
      { kind: 'system', id: 'timers' },
      nextMonday,
    );
    expect(step(registered, review.next, fired)).toMatchObject({
      to: 'review.legal.open|review.technical.open',
      next: { context: { escalated: true } },
      effects: [{ type: 'fileNotice', params: { kind: 'escalated' } }],
    });
    expect(play(submitted, ['ada', 'revise'])).toMatchObject({ to: 'draft', timers: [] });
  });
});

describe('a document under the approval machine', () => {
  let archiveRoot = '';
  let today = Date.parse(monday);
  let manager: JobManager<readonly [typeof approval]>;

  beforeAll(async () => {
    archiveRoot = await mkdtemp(join(tmpdir(), 'approval-'));
    manager = await JobManager.open({
      machines: [approval],
      store: createMemoryStore(),
      secrets: [{ kid: 'test', secret: randomBytes(32) }],
      archiveRoot,
      now: () => today,
      logLevel: 'silent',
    });
  });
  afterAll(async () => {
    await manager.close();
    await rm(archiveRoot, { recursive: true, force: true });
  });

  const jobOf = (id: string, subject: string) => {
    const { token } = manager.issueToken({ kind: 'operator', subject });
    return manager.job<'approval'>(id, { token });
  };
  /** Effects run after the answer. */
  const noticeIn = async (directory: string, kind: string): Promise<unknown> => {
    const file = join(directory, `${kind}.json`);
    const isThere = () =>
      access(file).then(
        () => true as const,
        () => 'missing',
      );
    await waitUntil(`the notice ${kind}`, isThere, 10_000);
    return JSON.parse(await readFile(file, 'utf8'));
  };

  it('is reviewed, escalated, published, and has its notices filed', async () => {
    const { id, archiveDirectory } = await manager.setup('approval', { data: input });
    await (await jobOf(id, 'ada')).submit({ revision: 'r1' });

    today = Date.parse(nextMonday);
    await manager.maintain();
    const notice = { job: id, title: 'Handbook', revision: 'r1' };
    expect(await noticeIn(archiveDirectory, 'escalated')).toEqual({
      ...notice,
      entry: 3,
      approvedBy: [],
    });

    await (await jobOf(id, 'ben')).approveLegal({ remark: 'fine' });
    const job = await (await jobOf(id, 'eve')).approveTechnical();
    expect(job.state).toBe('published');
    expect(await noticeIn(archiveDirectory, 'published')).toEqual({
      ...notice,
      entry: 5,
      approvedBy: ['ben', 'eve'],
    });
    expect((await readdir(archiveDirectory)).sort()).toEqual(['escalated.json', 'published.json']);
  });

  it('takes no data but what its schemas say', async () => {
    await expect(manager.setup('approval', { data: { title: 'x' } })).rejects.toThrow(InvalidData);
    const { id } = await manager.setup('approval', { data: { ...input, title: 'Other' } });
    const job = await jobOf(id, 'ada');
    await expect(job.submit({ revision: '' })).rejects.toThrow(InvalidData);
    await expect(job.approveLegal()).rejects.toThrow(InvalidTransition);
    expect((await job.refresh()).state).toBe('draft');
  });

  it('has its notice filed once, however often the effect runs', async () => {
    const archiveDirectory = join(archiveRoot, 'again');
    for (const attempt of [1, 2]) {
      await approval.effects?.['fileNotice']?.(runOf(archiveDirectory, attempt));
    }
    expect(await readdir(archiveDirectory)).toEqual(['published.json']);
  });
});

const runOf = (archiveDirectory: string, attempt: number): EffectRun => ({
  jobId: 'job-1',
  machine: 'approval',
  seq: 4,
  event: 'approveTechnical',
  actor: person('eve'),
  params: { kind: 'published', title: 'Handbook', revision: 'r1', approvedBy: ['ben', 'eve'] },
  key: 'job-1:4:0',
  attempt,
  archivePath: '/products/v2/job-1',
  archiveDirectory,
  signal: new AbortController().signal,
  isSuperseded: async () => false,
  send: async () => true,
});
