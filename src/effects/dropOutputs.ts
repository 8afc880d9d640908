import { lastSeq, type Store } from '../store/store.ts';

const batch = 500;

/**
 * Drops the large outputs that a job's entries before `seq` name, while they still name them. By name, and
 * not all there are of the job: repeated late, it touches nothing of a life that the job has begun since.
 */
export async function dropOutputs(store: Store, job: string, seq: number): Promise<void> {
  for (let from = 0; ;) {
    const commits = await store.readNewer(job, from, batch);
    const entries = commits.flatMap((commit) =>
      commit.entries.slice(0, Math.max(0, seq - commit.seq)),
    );
    const ids = entries.flatMap(({ data }) => namedFiles(data));
    if (ids.length > 0) await store.removeOutputs(job, ids);
    const last = commits.at(-1);
    if (!last || commits.length < batch || lastSeq(last) >= seq) return;
    from = lastSeq(last);
  }
}

/** Ids of large outputs in an entry's data; it may hold others that look alike, which are no output's. */
function namedFiles(data: string | null): string[] {
  if (!data?.includes('"file"')) return [];
  return [...data.matchAll(/"file":"([0-9a-f-]{36})"/g)].map(([, id = '']) => id);
}
