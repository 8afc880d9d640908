import { describe, expect, it } from 'vitest';
import type { LiveJob } from '../../src/jobs/liveJob.ts';
import { LiveJobs } from '../../src/jobs/liveJobs.ts';

/** Of a job only what the cache looks at. */
const job = (id: string, seq = 1, data = '{}'): LiveJob => ({ id, seq, data }) as LiveJob;

describe('the jobs at hand', () => {
  it('are those used lately, and no more than a number', () => {
    const jobs = new LiveJobs();
    const ids = Array.from({ length: 70_000 }, (_, index) => `j${index}`);
    for (const id of ids) {
      jobs.put(job(id));
      expect(jobs.get('j0')?.id).toBe('j0');
    }
    const kept = ids.filter((id) => jobs.peek(id));
    expect(kept.length).toBeGreaterThan(12_500);
    expect(kept.length).toBeLessThanOrEqual(25_001);
    expect(kept.slice(1)).toEqual(ids.slice(-kept.length + 1));
    expect(jobs.peek('nowhere')).toBeUndefined();
  });

  it('are bounded by the size of their data, and the newest is kept whatever its size', () => {
    const jobs = new LiveJobs();
    const large = 'x'.repeat(1024 * 1024);
    for (let index = 0; index < 40; index += 1) jobs.put(job(`j${index}`, 1, large));
    const kept = Array.from({ length: 40 }, (_, index) => jobs.peek(`j${index}`)).filter(Boolean);
    expect(kept.length).toBeGreaterThan(15);
    expect(kept.length).toBeLessThanOrEqual(32);
    jobs.put(job('j39', 2, large.repeat(40)));
    expect(jobs.get('j39')?.seq).toBe(2);
    jobs.put(job('k', 1, large));
    jobs.put(job('l', 1, large));
    expect([jobs.peek('k')?.seq, jobs.peek('l')?.seq]).toEqual([1, 1]);
  });

  it('give back the room of what is forgotten or becomes smaller', () => {
    const jobs = new LiveJobs();
    const large = 'x'.repeat(1024 * 1024);
    jobs.put(job('first'));
    for (let index = 0; index < 100; index += 1) {
      jobs.put(job(`j${index}`, 1, large));
      if (index % 2 === 0) jobs.put(job(`j${index}`, 2));
      else jobs.forget(`j${index}`);
    }
    expect(jobs.peek('first')?.id).toBe('first');
    expect(jobs.peek('j99')).toBeUndefined();
    expect(jobs.peek('j98')?.seq).toBe(2);
  });

  it('do not count as used when somebody only looks', () => {
    const jobs = new LiveJobs();
    for (let index = 0; index < 50_000; index += 1) {
      jobs.put(job(`j${index}`));
      jobs.peek('j0');
    }
    expect(jobs.peek('j0')).toBeUndefined();
  });

  it('never go back', () => {
    const jobs = new LiveJobs();
    jobs.put(job('a', 5));
    jobs.put(job('a', 4));
    expect(jobs.get('a')?.seq).toBe(5);
  });
});
