import { describe, expect, it } from 'vitest';
import type { JobDocument, JobFilter, Page } from '../../../src/store/store.ts';
import { after, buildJob, buildSetup, onePage } from './builders.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

/** Ids whose order is known, under a prefix of their own. */
const buildSeries = (type: string, ages: readonly number[]): JobDocument[] =>
  ages.map((age, index) => buildJob({ id: `${type}-${index}`, type, createdAt: after(-age) }));

/** Lists and counts of the projection. */
export function describeListJobs(makeStore: MakeStore): void {
  describe('listJobs and countJobs', () => {
    const store = useSharedStore(makeStore);
    const list = async (filter: JobFilter, page: Page = onePage): Promise<string[]> =>
      (await store().listJobs(filter, page)).map(({ id }) => id);

    it('lists the newest by creation first, whatever was updated since', async () => {
      const jobs = buildSeries('newest', [30, 10, 20]);
      await store().project(jobs, []);
      await store().project([{ ...buildJob(jobs[0]), seq: 2, updatedAt: after(99) }], []);
      expect(await list({ type: 'newest' })).toEqual(['newest-1', 'newest-2', 'newest-0']);
    });

    it('lists jobs of one time by id, the greatest first', async () => {
      await store().project(buildSeries('ties', [0, 0, 0]), []);
      expect(await list({ type: 'ties' })).toEqual(['ties-2', 'ties-1', 'ties-0']);
    });

    it('gives whole documents', async () => {
      const [job] = buildSeries('whole', [0]);
      await store().project(job ? [job] : [], []);
      expect(await store().listJobs({ type: 'whole' }, onePage)).toEqual([job]);
    });

    it('goes through all pages without leaving out or repeating any', async () => {
      const jobs = buildSeries('pages', [5, 5, 5, 4, 4, 1, 9]);
      await store().project(jobs, []);
      const expected = ['5', '4', '3', '2', '1', '0', '6'].map((index) => `pages-${index}`);
      for (const limit of [1, 2, 3, 7]) {
        const seen: string[] = [];
        let page = await store().listJobs({ type: 'pages' }, { limit });
        // Bounded, so that a store that repeats a page fails rather than hangs.
        for (let last = page.at(-1); last && seen.length <= jobs.length; last = page.at(-1)) {
          expect(page.length).toBeLessThanOrEqual(limit);
          seen.push(...page.map(({ id }) => id));
          const { createdAt, id } = last;
          page = await store().listJobs({ type: 'pages' }, { limit, after: { createdAt, id } });
        }
        expect(seen).toEqual(expected);
      }
    });

    it('goes on from a place whose job is gone', async () => {
      await store().project(buildSeries('gone', [2, 1, 0]), []);
      const place = { createdAt: after(-1), id: 'gone-0' };
      expect(await list({ type: 'gone' }, { limit: 9, after: place })).toEqual(['gone-0']);
    });

    it('filters by type, any active state, pipeline and tag, alone and together', async () => {
      const built = (id: string, states: string[], pipeline: string | null, tags: string[]) =>
        buildJob({
          id,
          type: 'filters',
          states,
          state: states.at(-1) ?? '',
          setup: buildSetup({ pipeline, tags }),
        });
      await store().project(
        [
          built('f1', ['CREATED'], 'fp', ['ft', 'other']),
          built('f2', ['review', 'review.legal'], 'fp', []),
          built('f3', ['review', 'review.legal'], null, ['ft']),
        ],
        [],
      );
      const cases: [JobFilter, string[]][] = [
        [{ type: 'filters' }, ['f3', 'f2', 'f1']],
        [{ type: 'filters', state: 'review' }, ['f3', 'f2']],
        [{ type: 'filters', state: 'review.legal' }, ['f3', 'f2']],
        [{ type: 'filters', state: 'legal' }, []],
        [{ pipeline: 'fp' }, ['f2', 'f1']],
        [{ tag: 'ft' }, ['f3', 'f1']],
        [{ type: 'filters', state: 'review', tag: 'ft' }, ['f3']],
        [{ type: 'filters', state: 'review', pipeline: 'fp', tag: 'ft' }, []],
        [{ type: 'another', tag: 'ft' }, []],
      ];
      for (const [filter, expected] of cases) {
        expect(await list(filter)).toEqual(expected);
        expect(await store().countJobs(filter)).toBe(expected.length);
      }
    });

    it('combines filters and pages', async () => {
      const setup = buildSetup({ tags: ['kept'] });
      const jobs = buildSeries('combined', [3, 2, 1, 0]);
      await store().project(
        jobs.map((job, index) => (index % 2 === 0 ? { ...job, setup } : job)),
        [],
      );
      const place = { createdAt: after(-1), id: 'combined-2' };
      const filter = { type: 'combined', tag: 'kept' };
      expect(await list(filter, { limit: 9, after: place })).toEqual(['combined-0']);
    });

    it('counts all that fits, beyond any page', async () => {
      await store().project(buildSeries('counted', [1, 2, 3]), []);
      expect(await list({ type: 'counted' }, { limit: 2 })).toHaveLength(2);
      expect(await store().countJobs({ type: 'counted' })).toBe(3);
      expect(await store().countJobs({ type: 'never' })).toBe(0);
    });

    it('follows a job that moves on', async () => {
      const [job] = buildSeries('moving', [0]);
      if (!job) return;
      await store().project([job], []);
      await store().project([{ ...job, seq: 2, state: 'RUNNING', states: ['RUNNING'] }], []);
      expect(await list({ type: 'moving', state: 'CREATED' })).toEqual([]);
      expect(await list({ type: 'moving', state: 'RUNNING' })).toEqual([job.id]);
    });
  });
}
