import { JobNotFound } from '../errors.ts';
import { storedJsonLimits } from '../limits.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { Registry } from '../machine/registry.ts';
import { isTombstone, lastSeq, type Commit, type JobDocument } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { foldCommit, fromJobDocument, type LiveJob } from './liveJob.ts';

/** Commits folded at a time, so that a long log never stands in memory as a whole. */
const pageSize = 1_000;

/**
 * A job as it is now: the snapshot at hand, or else the stored one, and every commit after it. Shows
 * each event acknowledged before the call, from whichever process. Null where there never was one; a
 * deleted job comes back as `removed`.
 */
export async function loadJob(
  engine: Pick<Engine, 'store' | 'registry' | 'live'>,
  id: string,
): Promise<LiveJob | null> {
  const base = engine.live.get(id) ?? (await loadProjected(engine, id));
  const job = await foldNewer(engine, id, base);
  if (job) engine.live.put(job);
  return job;
}

/** A job as it is now. Rejects with JobNotFound where it never existed or was removed. */
export async function loadLiving(
  engine: Pick<Engine, 'store' | 'registry' | 'live'>,
  id: string,
): Promise<LiveJob> {
  const job = await loadJob(engine, id);
  if (!job || job.removed) throw new JobNotFound(id);
  return job;
}

/** A job as it was when `seq` was its newest entry. */
export async function loadJobAt(
  engine: Pick<Engine, 'store' | 'registry'>,
  id: string,
  seq: number,
): Promise<LiveJob | null> {
  return foldNewer(engine, id, null, seq);
}

async function loadProjected(
  { store, registry }: Pick<Engine, 'store' | 'registry'>,
  id: string,
): Promise<LiveJob | null> {
  const document = await store.readJob(id);
  if (document) return jobOf(registry, document);
  const head = await store.readHead(id);
  // A dead life need not be read to know that it ended, and where.
  return head && isTombstone(head) ? foldRemoved(head) : null;
}

/** A job as its document tells; null where the stored snapshot, only a short cut, leads nowhere. */
function jobOf(registry: Registry, document: JobDocument): LiveJob | null {
  const job = fromJobDocument(registry, document, dataOf(document));
  return job.snapshot || !registry.find(job.type, job.typeVersion) ? job : null;
}

/**
 * The job that these commits of its log come to, on top of its document if it has one; null where they do
 * not follow on it, one by one: then the log has to be read.
 */
export function foldOnto(
  registry: Registry,
  document: JobDocument | undefined,
  commits: readonly Commit[],
): LiveJob | null {
  let job = document ? jobOf(registry, document) : null;
  if (document && !job) return null;
  for (const commit of commits) {
    const seq = job?.seq ?? 0;
    if (lastSeq(commit) <= seq) continue;
    if (commit.seq !== seq + 1) return null;
    job = foldCommit(registry, job, commit);
  }
  return job;
}

async function foldNewer(
  { store, registry }: Pick<Engine, 'store' | 'registry'>,
  id: string,
  base: LiveJob | null,
  upTo = Number.MAX_SAFE_INTEGER,
): Promise<LiveJob | null> {
  let job = base;
  for (;;) {
    const commits = await store.readNewer(id, job?.seq ?? 0, pageSize);
    for (const commit of commits) {
      if (commit.seq > upTo) return job;
      const entries = commit.entries.slice(0, upTo - commit.seq + 1);
      job = foldCommit(registry, job, { ...commit, entries });
    }
    if (commits.length < pageSize) return job;
  }
}

function foldRemoved(head: Parameters<typeof isTombstone>[0]): LiveJob {
  const entry = head.entries.at(-1);
  const seq = head.seq + head.entries.length - 1;
  return {
    id: head.job,
    type: head.type,
    typeVersion: head.typeVersion,
    seq,
    createdSeq: seq,
    state: entry?.from ?? '',
    snapshot: undefined,
    persisted: { value: entry?.from ?? '', context: {}, status: 'done' },
    timers: [],
    data: '{}',
    setup: {
      pipeline: null,
      links: {},
      session: null,
      agent: null,
      task: null,
      archivePath: '',
      tags: [],
    },
    links: {},
    createdAt: head.at,
    updatedAt: head.at,
    lastAt: head.at,
    lastEvent: entry?.name ?? '',
    generation: seq,
    headHash: entry?.hash ?? '',
    removed: true,
  };
}

/** The projection holds the data as BSON; the log's text of it is canonical, so it can be made again. */
function dataOf({ data, id }: JobDocument): string {
  const json = canonicalJson(data, storedJsonLimits);
  if (!json.ok) throw new Error(`job ${id}: its stored data is no JSON at ${json.issues[0]?.path}`);
  return json.text;
}
