import { lastSeq, type Commit, type EffectTask } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { loadJob } from './loadJob.ts';
import type { Derived } from './projector.ts';

/** The outbox entries that a commit asks for. */
export function effectTasks(commit: Commit): EffectTask[] {
  return commit.entries.flatMap((entry, place) => {
    const seq = commit.seq + place;
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

/**
 * Works out from the log what a job's projection lacks; null where it lacks nothing. Another process
 * may have projected a later commit without the effects of an earlier one of ours: so they are taken
 * from all commits since a time, and the outbox leaves those that it knows as they are.
 */
export async function deriveProjection(
  engine: Pick<Engine, 'store' | 'registry' | 'live' | 'processId' | 'projector'>,
  id: string,
  since?: Date,
): Promise<Derived | null> {
  // A commit whose answer was lost may be there without a majority having it yet, and so not be seen:
  // what came before this write is seen after it.
  if (since) await engine.store.beat(engine.processId, engine.projector.projectedUntil());
  const projected = await engine.store.projectedSeq(id);
  const commits = await engine.store.readCommits(id, since ? 1 : projected + 1);
  const isMissing = (commit: Commit) =>
    lastSeq(commit) > projected || (since && commit.at >= since);
  const missing = commits.filter(isMissing);
  if (missing.length === 0) return null;
  const job = await loadJob(engine, id);
  if (!job) return null;
  const own = missing.filter(({ process }) => process === engine.processId);
  return {
    job,
    effects: missing.flatMap((commit) => effectTasks(commit)),
    nonces: new Set(own.map(({ nonce }) => nonce)),
  };
}
