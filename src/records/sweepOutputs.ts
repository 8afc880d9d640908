import type { Engine } from '../jobs/engine.ts';
import type { LooseOutput } from '../store/outputStore.ts';
import { lastSeq, type Store } from '../store/store.ts';

/** How long an output may wait for the entry that names it; that takes seconds, or never happens. */
const graceMs = 3_600_000;
const batch = 200;
const commitsAtOnce = 500;

/**
 * Drops large outputs that no entry of their job names: left behind by a process that ended between
 * storing one and its entry, or by a report that was refused. The others are kept from now on without
 * another look. Resolves to how many were dropped.
 */
export async function sweepOutputs({ store, now }: Pick<Engine, 'store' | 'now'>): Promise<number> {
  const before = new Date(now() - graceMs);
  let dropped = 0;
  for (;;) {
    const loose = await store.looseOutputs(before, batch);
    for (const job of new Set(loose.map((each) => each.job))) {
      const own = loose.filter((each) => each.job === job);
      dropped += await settle(store, job, own);
    }
    if (loose.length < batch) return dropped;
  }
}

/** Keeps what an entry names, drops the rest; how many that were. */
async function settle(store: Store, job: string, outputs: readonly LooseOutput[]): Promise<number> {
  const ids = outputs.map(({ id }) => id);
  const named = await namedAmong(store, job, ids);
  await store.keepOutputs([...named]);
  const unnamed = ids.filter((id) => !named.has(id));
  await store.removeOutputs(job, unnamed);
  return unnamed.length;
}

/** Nobody can guess an id: where it stands in an entry's data, the entry names it. */
async function namedAmong(store: Store, job: string, ids: readonly string[]): Promise<Set<string>> {
  const named = new Set<string>();
  for (let from = 0; ;) {
    const commits = await store.readNewer(job, from, commitsAtOnce);
    for (const { data } of commits.flatMap(({ entries }) => entries)) {
      if (!data?.includes('"file"')) continue;
      for (const id of ids) if (data.includes(`"${id}"`)) named.add(id);
    }
    const last = commits.at(-1);
    if (!last || commits.length < commitsAtOnce) return named;
    from = lastSeq(last);
  }
}
