import type { EffectHandler } from '../machine/effect.ts';
import type { Store } from '../store/store.ts';
import { dropOutputs } from './dropOutputs.ts';

const batch = 100;

/** Sends the `unlink` of a job that is gone to a job that refers to it. */
export type UnlinkJob = (job: string, gone: string) => Promise<void>;

/**
 * What follows a cancel or delete, once its tombstone is committed: links to the job are pulled from
 * every linked document and every job, large outputs are dropped, older entries lose their data, the job
 * document goes last.
 * Each step may be repeated, so a crash anywhere resumes.
 */
export const unlinkDocuments =
  (store: Store, unlinkJob: UnlinkJob): EffectHandler =>
  async ({ jobId, seq, archivePath }) => {
    // Counted before the first is pulled: a second attempt finds fewer.
    await store.noteLinks(jobId, seq, await store.countLinks(jobId));
    await store.unlinkDocuments(jobId);
    await unlinkJobs(store, unlinkJob, jobId);
    await dropOutputs(store, jobId, seq);
    await store.redact(jobId, seq);
    await store.releaseArchive(archivePath, jobId);
    await store.finishRemoval(jobId, seq);
  };

async function unlinkJobs(store: Store, unlinkJob: UnlinkJob, gone: string): Promise<void> {
  const seen = new Set<string>();
  for (;;) {
    // The projection follows within milliseconds, so a job may show up once more.
    const jobs = await store.jobsLinkingTo(gone, batch + seen.size);
    const open = jobs.filter((job) => !seen.has(job));
    if (open.length === 0) return;
    for (const job of open) {
      await unlinkJob(job, gone);
      seen.add(job);
    }
  }
}
