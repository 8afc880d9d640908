import type { AnyMachineSnapshot } from 'xstate';
import { isRemark } from '../machine/aside.ts';
import type { Changing } from '../machine/changing.ts';
import type { RegisteredMachine, Registry } from '../machine/registry.ts';
import { replay } from '../machine/replay.ts';
import {
  persistSnapshot,
  restoreSnapshot,
  statesOf,
  type PersistedSnapshot,
} from '../machine/snapshot.ts';
import type { Timer } from '../machine/step.ts';
import { laneOf } from '../store/queueStore.ts';
import {
  linkFields,
  type Commit,
  type JobDocument,
  type JobSetup,
  type Links,
  type StoredEntry,
} from '../store/store.ts';

/** What a job's log comes to: the fold of its entries up to `seq`. Never changed, only replaced. */
export interface LiveJob {
  readonly id: string;
  readonly type: string;
  readonly typeVersion: string;
  readonly seq: number;
  readonly createdSeq: number;
  readonly state: string;
  /** Absent where this process does not know the machine, or the log no longer follows it. */
  readonly snapshot: AnyMachineSnapshot | undefined;
  /** The stored snapshot, for where it is absent; undefined where an entry has moved the machine since. */
  readonly persisted: PersistedSnapshot | undefined;
  /** What concerns workers, as it is stored beside that snapshot. */
  readonly persistedWork?: StoredWork | undefined;
  readonly timers: readonly Timer[];
  /** Canonical JSON of the set-up's data. */
  readonly data: string;
  readonly setup: JobSetup;
  readonly links: Links;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When its newest entry was accepted: later than `updatedAt` where that was a comment. */
  readonly lastAt: Date;
  readonly lastEvent: string;
  /** Seq of the entry that raised it last: a reset, a revocation or the creation itself. */
  readonly generation: number;
  readonly headHash: string;
  /** A cancelled or deleted job: only its place in the count is left. */
  readonly removed: boolean;
}

/** Where a job stands between workers, as it is stored. */
type StoredWork = Pick<JobDocument, 'queue' | 'lease'>;

/** How an entry moves the machine, where that has been decided already. */
export interface Moved {
  readonly snapshot: AnyMachineSnapshot;
  readonly timers: readonly Timer[];
}

/** Takes a commit's entries in, replaying each through the machine that the commit names. */
export function foldCommit(
  registry: Registry,
  job: LiveJob | null,
  commit: Commit,
): LiveJob | null {
  return commit.entries.reduce((current, entry, index) => {
    const known = registry.find(commit.type, commit.typeVersion);
    return foldEntry(
      current,
      commit,
      commit.seq + index,
      entry,
      move(known, current, commit, entry),
    );
  }, job);
}

/** One entry further, the machine's own move being known. */
export function foldEntry(
  job: LiveJob | null,
  commit: Pick<Commit, 'job' | 'type' | 'typeVersion' | 'at' | 'setup'>,
  seq: number,
  entry: StoredEntry,
  moved: Moved | undefined,
): LiveJob {
  if (entry.operation === 'create') return created(commit, seq, entry, moved);
  if (!job) throw new Error(`job ${commit.job}: entry ${seq} has no create entry before it`);
  const movesMachine = entry.operation === undefined || entry.operation === 'timer';
  const raises = entry.operation === 'revoke' || (movesMachine && entry.name === 'reset');
  // Field by field: a copy by spreading costs ten times as much.
  return {
    id: job.id,
    type: job.type,
    typeVersion: job.typeVersion,
    seq,
    createdSeq: job.createdSeq,
    state: entry.to ?? job.state,
    snapshot: movesMachine ? moved?.snapshot : job.snapshot,
    persisted: movesMachine ? undefined : job.persisted,
    persistedWork: movesMachine ? undefined : job.persistedWork,
    timers: moved?.timers ?? job.timers,
    data: job.data,
    setup: job.setup,
    links: entry.operation === 'unlink' ? without(job.links, unlinkedId(entry)) : job.links,
    createdAt: job.createdAt,
    updatedAt: isRemark(entry) ? job.updatedAt : commit.at,
    lastAt: commit.at,
    lastEvent: entry.name,
    generation: raises ? seq : job.generation,
    headHash: entry.hash,
    removed: entry.operation === 'remove',
  };
}

function created(
  commit: Pick<Commit, 'job' | 'type' | 'typeVersion' | 'at' | 'setup'>,
  seq: number,
  entry: StoredEntry,
  moved: Moved | undefined,
): LiveJob {
  if (!commit.setup) throw new Error(`job ${commit.job}: its create commit ${seq} has no set-up`);
  return {
    id: commit.job,
    type: commit.type,
    typeVersion: commit.typeVersion,
    seq,
    createdSeq: seq,
    state: entry.to ?? '',
    snapshot: moved?.snapshot,
    persisted: undefined,
    timers: moved?.timers ?? [],
    data: entry.data ?? '{}',
    setup: commit.setup,
    links: commit.setup.links,
    createdAt: commit.at,
    updatedAt: commit.at,
    lastAt: commit.at,
    lastEvent: entry.name,
    generation: seq,
    headHash: entry.hash,
    removed: false,
  };
}

function move(
  machine: RegisteredMachine | undefined,
  job: LiveJob | null,
  commit: Commit,
  entry: StoredEntry,
): Moved | undefined {
  if (!machine) return undefined;
  const before = job?.snapshot && { snapshot: job.snapshot, timers: job.timers };
  const replayed = replay(machine, [{ ...entry, at: commit.at }], before);
  return replayed.ok ? replayed : undefined;
}

const unlinkedId = (entry: StoredEntry): string =>
  (JSON.parse(entry.data ?? '{}') as { id?: string }).id ?? '';

function without(links: Links, id: string): Links {
  const left = linkFields.flatMap((field) => {
    const ids = links[field]?.filter((each) => each !== id) ?? [];
    return ids.length > 0 ? [[field, ids] as const] : [];
  });
  return Object.fromEntries(left);
}

/** The snapshot as it is to be stored; undefined where only a process that knows the machine can tell. */
export const snapshotOf = ({ snapshot, persisted }: LiveJob): PersistedSnapshot | undefined =>
  snapshot ? persistSnapshot(snapshot) : persisted;

/** What is stored of a job; only of one whose snapshot is known, see snapshotOf. */
export function toJobDocument(
  registry: Registry,
  job: LiveJob,
  snapshot = snapshotOf(job),
): JobDocument {
  if (!snapshot) throw new Error(`job ${job.id}: its snapshot is not known here`);
  const { id, type, typeVersion, seq, createdSeq, state, timers, setup, links } = job;
  const { createdAt, updatedAt, lastAt, lastEvent, generation, headHash } = job;
  const wakeAt = earliest(timers);
  const document: Changing<JobDocument> = {
    id,
    type,
    typeVersion,
    seq,
    createdSeq,
    state,
    states: statesOf(snapshot.value),
    snapshot,
    data: JSON.parse(job.data) as Record<string, unknown>,
    setup,
    links,
    createdAt,
    updatedAt,
    lastEvent,
    generation,
    headHash,
    timers,
  };
  if (wakeAt) document.wakeAt = wakeAt;
  if (lastAt > updatedAt) document.lastAt = lastAt;
  const { queue, lease } = workOf(registry, job, snapshot);
  if (queue) document.queue = queue;
  if (lease) document.lease = lease;
  return document;
}

/** Where a job stands between workers; of a machine that is not known here, as it was stored. */
function workOf(registry: Registry, job: LiveJob, { context }: PersistedSnapshot): StoredWork {
  const work = registry.find(job.type, job.typeVersion)?.definition.work;
  if (!job.snapshot) return job.persistedWork ?? {};
  if (!work) return {};
  const { queue, lease } = work({ state: job.state, context });
  return {
    ...(queue && {
      queue: {
        lane: laneOf(queue),
        priority: queue.priority,
        since: job.createdAt,
        readyAt: new Date(queue.readyAt ?? 0),
      },
    }),
    ...(lease && { lease: { ...lease, since: new Date(lease.since) } }),
  };
}

/** A job as it is stored; without a snapshot where the machine is not known, or cannot be in the stored one. */
export function fromJobDocument(registry: Registry, document: JobDocument, data: string): LiveJob {
  const { states: _states, wakeAt: _wakeAt, snapshot, lastAt, queue, lease, ...rest } = document;
  const known = registry.find(document.type, document.typeVersion);
  return {
    ...rest,
    data,
    snapshot: known && restoreOrNot(known, snapshot),
    persisted: snapshot,
    persistedWork: { ...(queue && { queue }), ...(lease && { lease }) },
    lastAt: lastAt ?? document.updatedAt,
    removed: false,
  };
}

function restoreOrNot(
  { machine }: RegisteredMachine,
  snapshot: PersistedSnapshot,
): AnyMachineSnapshot | undefined {
  try {
    return restoreSnapshot(machine, snapshot);
  } catch {
    // The machine has no such state: another definition wrote it under the same version, or somebody.
    return undefined;
  }
}

const earliest = (timers: readonly Timer[]): Date | undefined =>
  timers.reduce<Date | undefined>(
    (first, { dueAt }) => (first && first <= dueAt ? first : dueAt),
    undefined,
  );
