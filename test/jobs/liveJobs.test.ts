import { describe, expect, it } from 'vitest';
import type { LiveJob } from '../../src/jobs/liveJob.ts';
import { LiveJobs } from '../../src/jobs/liveJobs.ts';

/** Of a job only what the cache looks at. */
const job = (id: string, seq = 1, data = '{}'): LiveJob => ({ id, seq, data }) as LiveJob;

describe('the jobs at hand', () => {
  it('are those used last, by their number', () => {
    const jobs = new LiveJobs();
    for (let index = 0; index < 10_000; index += 1) jobs.put(job(`j${index}`));
    jobs.get('j0');
    jobs.put(job('one more'));
    expect(jobs.get('j0')?.id).toBe('j0');
    expect(jobs.get('j1')).toBeUndefined();
    expect(jobs.get('one more')?.id).toBe('one more');
  });

  it('are those used last, by the size of their data, and the newest whatever its size', () => {
    const jobs = new LiveJobs();
    const large = 'x'.repeat(1024 * 1024);
    for (let index = 0; index < 40; index += 1) jobs.put(job(`j${index}`, 1, large));
    const kept = Array.from({ length: 40 }, (_, index) => jobs.get(`j${index}`)).filter(Boolean);
    expect(kept).toHaveLength(32);
    jobs.put(job('j39', 2, large.repeat(40)));
    expect(jobs.get('j39')?.seq).toBe(2);
    expect(jobs.get('j38')).toBeUndefined();
    // What is forgotten gives its room back.
    jobs.forget('j39');
    for (let index = 0; index < 32; index += 1) jobs.put(job(`k${index}`, 1, large));
    expect(jobs.get('k0')?.id).toBe('k0');
  });

  it('never go back', () => {
    const jobs = new LiveJobs();
    jobs.put(job('a', 5));
    jobs.put(job('a', 4));
    expect(jobs.get('a')?.seq).toBe(5);
  });
});
