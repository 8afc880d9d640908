import { describe, expect, it } from 'vitest';
import type { JobDocument } from '../../../src/store/store.ts';
import {
  after,
  buildEffect,
  buildJob,
  buildSetup,
  collect,
  newJobId,
  onePage,
} from './builders.ts';
import { type MakeStore, useFreshStore, useSharedStore } from './useStore.ts';

/** A document with every field there is, and with texts and keys that a database may take for its own. */
const buildFullJob = (): JobDocument => {
  const userData = {
    $where: '$data',
    'a.b': { $set: { c: 1 } },
    list: [null, 1.5, '$$NOW'],
    '': '',
  };
  return buildJob({
    state: 'review.legal|upload',
    states: ['review', 'review.legal', 'upload'],
    snapshot: {
      value: { review: 'legal', upload: {} },
      context: userData,
      status: 'done',
      history: { 'job.review.hist': ['job.review.legal'] },
    },
    data: userData,
    setup: buildSetup({
      pipeline: null,
      links: { child_of: ['a', 'b'], acted_on: ['c'] },
      session: '$session',
      agent: 'agent',
      task: 'task',
      tags: ['$tag', 'b'],
    }),
    links: { child_of: ['a'] },
    updatedAt: after(1),
    lastEvent: '$event',
    generation: 3,
    timers: [{ id: 'escalate', event: 'xstate.after.1000.review', dueAt: after(1_000) }],
    wakeAt: after(1_000),
  });
};

/** Projecting: documents move forward, effects come in once. */
export function describeProjection(makeStore: MakeStore): void {
  describe('project', () => {
    const store = useSharedStore(makeStore);

    it('stores a document whole', async () => {
      const full = buildFullJob();
      const plain = buildJob();
      await store().project([full, plain], []);
      expect(await store().readJob(full.id)).toEqual(full);
      expect(await store().readJob(plain.id)).toEqual(plain);
    });

    it('has no document of a job that never was', async () => {
      expect(await store().readJob(newJobId())).toBeNull();
    });

    it('replaces a document by a newer one, fields that are gone included', async () => {
      const old = buildFullJob();
      const { wakeAt: _wakeAt, ...newer } = { ...buildFullJob(), id: old.id, seq: 2, timers: [] };
      await store().project([old], []);
      await store().project([newer], []);
      const read = await store().readJob(old.id);
      expect(read).toEqual(newer);
      expect(read).not.toHaveProperty('wakeAt');
    });

    it('moves whatever a context holds, a thousand at once, as it would be stored anew', async () => {
      const deep = (levels: number): object => (levels === 0 ? {} : { $add: [deep(levels - 2)] });
      const contexts: Record<string, unknown>[] = [
        { $ref: '#/x', $comment: 1 },
        { $literal: '$seq', $$ROOT: ['$$ROOT', '$$REMOVE'], 'a..b.': { '.': 1, $: 2 } },
        { _id: 'other', seq: 99, createdSeq: 0, queue: null, lease: {}, wakeAt: 'x', lastAt: 0 },
        { none: null, list: [null, [null, []], {}], zero: -0, least: Number.MIN_VALUE, no: false },
        { deep: deep(100) },
        { big: 'ü'.repeat(500_000) },
        JSON.parse('{"__proto__":{"a":1},"constructor":null,"toString":{"$oid":"x"}}') as Record<
          string,
          unknown
        >,
        { $numberLong: '1', $date: 0, $timestamp: { t: 1, i: 1 }, $regex: '.', $minKey: 1 },
      ];
      const jobs = Array.from({ length: 1_000 }, () => buildJob());
      await store().project(jobs, [], new Set(jobs.map(({ id }) => id)));
      const moved = jobs.map((job, index): JobDocument => {
        const context = contexts[index % (index < 40 ? contexts.length : 5)] ?? {};
        return { ...job, seq: 2, snapshot: { ...job.snapshot, context } };
      });
      await store().project(moved, []);
      const anew = moved.map((job) => ({ ...job, id: newJobId() }));
      await store().project(anew, [], new Set(anew.map(({ id }) => id)));
      const read = await store().readProjected([...moved, ...anew].map(({ id }) => id));
      for (const [index, { id, snapshot }] of moved.entries()) {
        const document = read.get(id)?.document;
        expect(document?.seq).toBe(2);
        expect(document?.snapshot).toEqual(snapshot);
        const other = read.get(anew[index]?.id ?? '')?.document;
        expect({ ...other, id }).toEqual(document);
        expect(JSON.stringify({ ...other, id })).toBe(JSON.stringify(document));
      }
    });

    it('never moves a document back', async () => {
      const newer = buildJob({ seq: 7, state: 'RUNNING' });
      await store().project([newer], []);
      await store().project([{ ...newer, seq: 6, state: 'CREATED' }], []);
      expect(await store().readJob(newer.id)).toEqual(newer);
    });

    it('may be given the same document again', async () => {
      const job = buildJob({ seq: 2 });
      await store().project([job], []);
      await store().project([job], []);
      expect(await store().readJob(job.id)).toEqual(job);
    });

    it('ends at the newest document, whatever order several writers come in', async () => {
      const ids = Array.from({ length: 20 }, newJobId);
      const seqs = [3, 5, 1, 4, 2];
      const projections = seqs.map((seq) =>
        store().project(
          ids.map((id) => buildJob({ id, seq })),
          [],
        ),
      );
      await Promise.all(projections);
      const reached = await Promise.all(ids.map(async (id) => (await store().readJob(id))?.seq));
      expect(reached).toEqual(ids.map(() => 5));
    });

    it('tells up to which entry a job is projected', async () => {
      const job = buildJob({ seq: 3 });
      expect(await store().projectedSeq(job.id)).toBe(0);
      await store().project([job], []);
      expect(await store().projectedSeq(job.id)).toBe(3);
      await store().project([{ ...job, seq: 2 }], []);
      expect(await store().projectedSeq(job.id)).toBe(3);
    });

    it('tells how far many jobs are projected, with the documents of those that live', async () => {
      const [one, other, gone] = [buildJob({ seq: 3 }), buildJob({ seq: 5 }), buildJob({ seq: 2 })];
      await store().project([one, other, gone], []);
      await store().finishRemoval(gone.id, 4);
      const projected = await store().readProjected([one.id, newJobId(), gone.id, other.id]);
      expect(new Map(projected)).toEqual(
        new Map([
          [one.id, { seq: 3, document: one }],
          [gone.id, { seq: 4 }],
          [other.id, { seq: 5, document: other }],
        ]),
      );
      expect((await store().readProjected([])).size).toBe(0);
    });

    it('ends at the newest document where two writers begin it at once', async () => {
      const ids = Array.from({ length: 200 }, newJobId);
      const projections = ids.flatMap((id) =>
        [1, 2].map((seq) => store().project([buildJob({ id, seq })], [])),
      );
      await Promise.all(projections);
      const reached = await Promise.all(ids.map((id) => store().projectedSeq(id)));
      expect(reached).toEqual(ids.map(() => 2));
    });

    it('moves the other documents forward though one is old', async () => {
      const [one, two] = [buildJob({ seq: 5 }), buildJob({ seq: 5 })];
      await store().project([one], []);
      await store().project([{ ...one, seq: 4 }, two], []);
      expect(await store().readJob(one.id)).toEqual(one);
      expect(await store().readJob(two.id)).toEqual(two);
    });

    it('keeps what it stored when a caller changes what it gave or got', async () => {
      const job = buildFullJob();
      const kept = structuredClone(job);
      await store().project([job], []);
      Object.assign(job.data, { changed: true });
      const got = await store().readJob(kept.id);
      expect(got).toEqual(kept);
      Object.assign(got?.snapshot.context ?? {}, { changed: true });
      got?.createdAt.setTime(0);
      expect(await store().readJob(kept.id)).toEqual(kept);
    });

    it('takes unknown effects in as they are given', async () => {
      const job = newJobId();
      const params = { $where: '$x', 'a.b': [null, { c: 1 }] };
      const due = buildEffect({ job, effect: { type: 'notify', params } });
      const parked = buildEffect({ job, index: 1, status: 'parked', attempts: 4, error: 'no' });
      const done = buildEffect({ job, index: 2, status: 'done' });
      await store().project([], [due, parked, done]);
      expect(await collect(store().scanEffects({ job }))).toEqual([due, parked, done]);
    });

    it('leaves known effects as they are, done ones too, and takes the new ones beside them', async () => {
      const job = newJobId();
      const first = buildEffect({ job });
      const second = buildEffect({ job, seq: 2, status: 'parked', error: 'no' });
      const third = buildEffect({ job, seq: 3 });
      await store().project([], [first, second]);
      await store().dropEffects(job, 1, after(0));
      await store().project([], [first, buildEffect({ job, seq: 2 }), third]);
      expect(await store().pendingEffects(job)).toEqual([second, third]);
    });

    it('takes each effect in once when several writers come at once', async () => {
      const job = newJobId();
      const effects = [0, 1, 2].map((index) => buildEffect({ job, index }));
      await Promise.all([1, 2, 3, 4].map(() => store().project([buildJob({ id: job })], effects)));
      expect(await store().pendingEffects(job)).toEqual(effects);
    });

    it('shows effects no later than the document', async () => {
      const job = buildJob();
      const effects = [buildEffect({ job: job.id })];
      let isDone = false;
      const projecting = store()
        .project([job], effects)
        .finally(() => (isDone = true));
      while (!isDone) {
        const document = await store().readJob(job.id);
        const pending = await store().pendingEffects(job.id);
        if (document) expect(pending).toEqual(effects);
      }
      await projecting;
      expect(await store().pendingEffects(job.id)).toEqual(effects);
    });
  });

  describe('scanJobs', () => {
    const store = useFreshStore(makeStore);

    it('gives every document, or that of one job', async () => {
      const jobs = [buildJob(), buildFullJob(), buildJob()];
      await store().project(jobs, []);
      const byId = jobs.toSorted((one, other) => (one.id < other.id ? -1 : 1));
      expect(await collect(store().scanJobs())).toEqual(byId);
      expect(await collect(store().scanJobs({ job: byId[1]?.id ?? '' }))).toEqual([byId[1]]);
      expect(await collect(store().scanJobs({ job: newJobId() }))).toEqual([]);
      expect(await store().listJobs({}, onePage)).toHaveLength(3);
    });
  });
}
