import { entryDataDigest } from '../hashChain.ts';
import type { AppendOutcome, Commit, StoredEntry } from '../store.ts';
import { isTombstone, lastSeq } from '../store.ts';

interface JobLog {
  /** Ascending by seq. */
  readonly commits: Commit[];
  /** Idempotency key → seq of the commit that has it. */
  readonly keys: Map<string, number>;
}

/** All commits of all jobs: inserted once, changed by redaction alone. Tells of each one as it comes in. */
export function createLog(onAppend: (commit: Commit) => void) {
  const logs = new Map<string, JobLog>();
  const commitsOf = (job: string): readonly Commit[] => logs.get(job)?.commits ?? [];
  const everyCommit = (): Commit[] => [...logs.keys()].sort().flatMap(commitsOf);
  const change = (job: string, changed: (commit: Commit) => Commit): void => {
    const commits = logs.get(job)?.commits ?? [];
    for (const [index, commit] of commits.entries()) commits[index] = changed(commit);
  };

  return {
    append: (commit: Commit): AppendOutcome => {
      const log: JobLog = logs.get(commit.job) ?? { commits: [], keys: new Map() };
      // From the newest back: nearly always the first look is enough.
      const before = log.commits.findLastIndex(({ seq }) => seq <= commit.seq);
      const taken = log.commits[before];
      if (taken?.seq === commit.seq) return isSame(taken, commit) ? 'appended' : 'conflict';
      const keys = commit.entries.flatMap(({ key }) => (key === undefined ? [] : [key]));
      if (keys.some((key) => log.keys.has(key))) return 'repeated';
      log.commits.splice(before + 1, 0, commit);
      for (const key of keys) log.keys.set(key, commit.seq);
      logs.set(commit.job, log);
      onAppend(commit);
      return 'appended';
    },

    readCommits: (job: string, from: number, limit = Infinity): Commit[] => {
      const start = commitsOf(job).findLastIndex((commit) => lastSeq(commit) < from) + 1;
      return commitsOf(job).slice(start, start + limit);
    },

    commitAt: (job: string, seq: number): Commit | undefined =>
      commitsOf(job).find((commit) => commit.seq === seq),

    readHead: (job: string): Commit | null => commitsOf(job).at(-1) ?? null,

    findKey: (job: string, key: string): Commit | null => {
      const at = logs.get(job)?.keys.get(key);
      return commitsOf(job).find(({ seq }) => seq === at) ?? null;
    },

    listCommits: ({ job }: { job?: string } = {}): readonly Commit[] =>
      job === undefined ? everyCommit() : commitsOf(job),

    listCommitsOf: (process: string, since: Date): readonly Commit[] =>
      everyCommit().filter((commit) => commit.process === process && commit.at >= since),

    redact: (job: string, seq: number): void => {
      const keys = logs.get(job)?.keys ?? new Map<string, number>();
      for (const { seq: first, entries } of commitsOf(job)) {
        for (const { key } of entries.slice(0, Math.max(seq - first, 0)))
          if (key !== undefined) keys.delete(key);
      }
      change(job, (commit) => ({
        ...commit,
        entries: commit.entries.map((entry, index) =>
          commit.seq + index < seq ? withoutData(entry) : entry,
        ),
      }));
    },

    noteLinks: (job: string, seq: number, links: number): void => {
      change(job, (commit) =>
        isTombstone(commit) && lastSeq(commit) === seq
          ? { ...commit, linksRemoved: Math.max(links, commit.linksRemoved ?? 0) }
          : commit,
      );
    },
  };
}

const isSame = (one: Commit, other: Commit): boolean =>
  one.process === other.process && one.nonce === other.nonce;

const withoutData = (entry: StoredEntry): StoredEntry =>
  entry.data === null || entry.operation === 'remove'
    ? entry
    : { ...entry, data: null, dataDigest: entryDataDigest(entry) };
