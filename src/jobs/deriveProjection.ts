import { lastSeq, type Commit, type EffectTask } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { loadJob } from './loadJob.ts';
import type { Projection } from './projector.ts';

/** The outbox entries that a commit asks for, from entry `from` on. */
export function effectTasks(commit: Commit, from = 0): EffectTask[] {
  return commit.entries.flatMap((entry, place) => {
    const seq = commit.seq + place;
    if (seq < from) return [];
    return (entry.effects ?? []).map((effect, index) => ({
      id: `${commit.job}:${seq}:${index}`,
      job: commit.job,
      seq,
      index,
      type: commit.type,
      typeVersion: commit.typeVersion,
      effect,
      status: 'due' as const,
      dueAt: commit.at,
      attempts: 0,
    }));
  });
}

/** Works out from the log what a job's projection lacks; null where it lacks nothing. */
export async function deriveProjection(
  engine: Pick<Engine, 'store' | 'registry' | 'live'>,
  id: string,
): Promise<Projection | null> {
  const projected = await engine.store.projectedSeq(id);
  const newer = await engine.store.readCommits(id, projected + 1);
  const missing = newer.filter((commit) => lastSeq(commit) > projected);
  if (missing.length === 0) return null;
  const job = await loadJob(engine, id);
  return job && { job, effects: missing.flatMap((commit) => effectTasks(commit, projected + 1)) };
}
