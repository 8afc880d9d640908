import { describe, expect, it } from 'vitest';
import {
  Forbidden,
  InvalidData,
  WorkerExists,
  WorkerInactive,
  WorkerNotFound,
} from '../../src/errors.ts';
import { createWorkers } from '../../src/records/workers.ts';
import { storeKinds } from './recordWorld.ts';
import { useWorkerWorld } from './workerWorld.ts';

describe.each(storeKinds)('workers in %s', (kind) => {
  const world = useWorkerWorld(kind);

  describe('activate', () => {
    it('puts tags and programs into lower case, each once in its order, without empty ones', async () => {
      const worker = await world.workers.activate({
        tags: [' GPU', 'cpu', '', 'gpu', '*', ' '],
        programs: { Psi4: '1.9', ' psi4 ': '1.8', '': '1', 'RDKit ': '2024' },
      });
      expect(worker).toMatchObject({
        status: 'active',
        subject: 'library',
        tags: ['gpu', 'cpu', '*'],
        programs: { psi4: '1.9', rdkit: '2024' },
        leaseSeconds: 30,
        endedAt: null,
        counts: { claimed: 0, completed: 0, failed: 0, released: 0, rejected: 0 },
      });
      expect(Date.parse(worker.deadline) - Date.parse(worker.beatAt)).toBe(30_000);
      expect(await world.workers.get(worker.name)).toEqual(worker);
    });

    it('takes every tag and no program where none are given, under a name of its own', async () => {
      const [one, other] = [await world.workers.activate({}), await world.workers.activate({})];
      expect(one).toMatchObject({ tags: ['*'], programs: {} });
      expect(one.name).not.toBe(other.name);
    });

    it.each([
      ['no tag left', { tags: ['', ' '] }],
      ['no tags at all', { tags: [] }],
      ['no program left', { programs: { ' ': '1' } }],
      ['too many tags', { tags: Array.from({ length: 101 }, (_, index) => `t${index}`) }],
      ['a name with a slash', { name: 'a/b' }],
      ['a name that is too long', { name: 'a'.repeat(201) }],
      ['a lease that is too short', { leaseSeconds: 1 }],
      ['a tag that is no text', { tags: [1 as unknown as string] }],
    ])('refuses %s', async (_what, activation) => {
      await expect(world.workers.activate(activation)).rejects.toThrow(InvalidData);
    });

    it('takes a name once for ever', async () => {
      const name = await world.activate();
      await expect(world.workers.activate({ name })).rejects.toThrow(WorkerExists);
      await world.workers.deactivate(name);
      await expect(world.workers.activate({ name })).rejects.toThrow(WorkerExists);
    });
  });

  describe('whose a worker is', () => {
    it('is for the subject of the token that activated it, and for operators', async () => {
      const { name } = await world.as('ann').activate({});
      const stranger = world.as('bob');
      for (const call of [
        () => stranger.heartbeat(name),
        () => stranger.claim(name),
        () => stranger.progress(name, []),
        () => stranger.report(name, []),
        () => stranger.deactivate(name),
      ])
        await expect(call()).rejects.toThrow(Forbidden);
      expect((await world.as('ann').heartbeat(name)).abandon).toEqual([]);
      expect((await world.workers.heartbeat(name)).worker.subject).toBe('ann');
    });

    it('is not for readers, who may look; nor may workers look at others', async () => {
      const name = await world.activate();
      const reader = createWorkers(world.manager.engine, { actor: { kind: 'reader', id: 'r' } });
      await expect(reader.claim(name)).rejects.toThrow(Forbidden);
      expect((await reader.get(name)).name).toBe(name);
      await expect(world.as('ann').list()).rejects.toThrow(Forbidden);
    });

    it('has to be known', async () => {
      for (const call of [
        () => world.workers.heartbeat('nobody'),
        () => world.workers.claim('nobody'),
        () => world.workers.report('nobody', []),
        () => world.workers.get('no/name'),
      ])
        await expect(call()).rejects.toThrow(WorkerNotFound);
    });
  });

  describe('list', () => {
    it('gives workers by name, page by page', async () => {
      for (const name of ['list-c', 'list-a', 'list-b']) await world.activate({ name });
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await world.workers.list({ limit: 2, cursor });
        seen.push(...page.workers.map(({ name }) => name));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(seen.filter((name) => name.startsWith('list-'))).toEqual([
        'list-a',
        'list-b',
        'list-c',
      ]);
      expect(seen).toEqual([...seen].sort());
      await world.workers.deactivate('list-b');
      const { workers } = await world.workers.list({ status: 'inactive', limit: 500 });
      expect(workers.map(({ name }) => name)).toContain('list-b');
      expect(workers.map(({ name }) => name)).not.toContain('list-a');
    });

    it('refuses a cursor and a status that are none', async () => {
      await expect(world.workers.list({ cursor: '/' })).rejects.toThrow(InvalidData);
      const status = 'asleep' as 'active';
      await expect(world.workers.list({ status })).rejects.toThrow(InvalidData);
    });
  });

  describe('deactivate', () => {
    it('has what it runs waiting again at once, for another worker', async () => {
      const tag = world.newTag();
      const worker = await world.activate({ tags: [tag] });
      const { id } = await world.record({ tag });
      const { epoch } = await world.claimOne(worker);
      const ended = await world.workers.deactivate(worker);
      expect(ended).toMatchObject({ status: 'inactive', name: worker });
      const job = await world.job(id);
      expect(job.state).toBe('waiting');
      expect(job.context).toMatchObject({ lease: null, producer: null, retried: {} });
      for (const call of [
        () => world.workers.claim(worker),
        () => world.workers.heartbeat(worker),
        () => world.workers.progress(worker, []),
        () => world.workers.report(worker, [{ id, epoch, outcome: 'complete' }]),
      ])
        await expect(call()).rejects.toThrow(WorkerInactive);
      const other = await world.activate({ tags: [tag] });
      expect(await world.claimOne(other)).toMatchObject({ id, epoch: epoch + 1 });
    });

    it('may be repeated, as its answer may have been lost', async () => {
      const worker = await world.activate();
      const ended = await world.workers.deactivate(worker);
      expect(await world.workers.deactivate(worker)).toEqual(ended);
    });

    it('gives back what was claimed in the very moment of its end', async () => {
      const tag = world.newTag();
      const worker = await world.activate({ tags: [tag] });
      const { id } = await world.record({ tag });
      await world.workers.deactivate(worker);
      // As a process would whose look at the worker came before.
      await (await world.job(id)).claim({ worker });
      await world.maintain();
      await world.maintain();
      expect((await world.job(id)).state).toBe('waiting');
    });
  });
});
