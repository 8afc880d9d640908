import type { Registry } from '../machine/registry.ts';
import { replay } from '../machine/replay.ts';
import { entryHash, firstHash } from '../store/hashChain.ts';
import { lastSeq, type Commit, type StoredEntry } from '../store/store.ts';
import { effectTasks } from './deriveProjection.ts';
import { foldEntry, type LiveJob, type Moved } from './liveJob.ts';
import {
  dataFaults,
  formatFaults,
  isRedacted,
  stateFaults,
  tombstoneFaults,
  type Fault,
} from './logRules.ts';
import type { Problem } from './verifyReport.ts';

/** What the log of one id comes to, and what is wrong with it by itself. */
export interface CheckedLog {
  readonly job: string;
  readonly entries: number;
  /** Seq of the newest entry; 0 without a log. */
  readonly seq: number;
  /** The last life, `removed` if it is over; null where there is none or it cannot be read. */
  readonly last: LiveJob | null;
  readonly isLive: boolean;
  /** The job as it was at the entry that was asked for. */
  readonly watched: LiveJob | undefined;
  /** Whether the whole of the last life was replayed, and led where its entries say. */
  readonly isReplayed: boolean;
  /** The first entry of an ended life that still has its data. */
  readonly unredacted: number | undefined;
  /** Effects that the newer commits ask for: id → seq. */
  readonly effects: ReadonlyMap<string, number>;
  readonly unknownMachines: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

export interface LogCheckOptions {
  readonly registry: Registry;
  readonly job: string;
  /** Keep the job as it was at this entry. */
  readonly watch?: number | undefined;
  /** Keep the effects of commits from this time on. */
  readonly effectsSince?: Date | undefined;
  /** Take entries of an unknown machine version for a problem. */
  readonly requireMachines?: boolean | undefined;
}

/** Told one by one for a job: a log that is wrong throughout says nothing new after them. */
const toldPerJob = 20;

/**
 * Checks one id's log while it is read, commit by commit, and keeps nothing but what it comes to:
 * sequence, hash chain, and a replay of each life through the machine version that each commit names.
 */
export class LogCheck {
  readonly #options: LogCheckOptions;
  readonly #problems: Problem[] = [];
  readonly #unknown = new Set<string>();
  readonly #effects = new Map<string, number>();
  #entries = 0;
  #next = 1;
  #previous = firstHash;
  #at = new Date(0);
  #job: LiveJob | null = null;
  #watched: LiveJob | undefined;
  #isUnreadable = false;
  // Of the life at hand:
  #keys = new Set<string>();
  #isReplayed = true;
  #redacted: number | undefined;
  #unredacted: number | undefined;
  /** A tombstone without its data. */
  #untold: number | undefined;

  constructor(options: LogCheckOptions) {
    this.#options = options;
  }

  take(commit: Commit): void {
    if (this.#isUnreadable) return;
    const faults = formatFaults(commit);
    this.#add(commit.seq, faults);
    // What cannot be read ends the check of this log: all that follows would only follow from it.
    if (faults.length > 0) return void (this.#isUnreadable = true);
    this.#checkPlace(commit);
    for (const [index, entry] of commit.entries.entries()) {
      if (this.#isUnreadable) return;
      this.#takeEntry(commit, commit.seq + index, entry);
    }
    const { effectsSince } = this.#options;
    if (effectsSince && commit.at >= effectsSince) {
      for (const { id, seq } of effectTasks(commit)) this.#effects.set(id, seq);
    }
    this.#entries += commit.entries.length;
    this.#next = lastSeq(commit) + 1;
    this.#at = commit.at;
  }

  end(): CheckedLog {
    const last = this.#isUnreadable ? null : this.#job;
    const isLive = last !== null && !last.removed;
    if (last?.removed && this.#untold !== undefined) {
      this.#tell(this.#untold, 'tombstone', 'what the deletion says was removed');
    }
    if (isLive && this.#redacted !== undefined) {
      this.#tell(this.#redacted, 'tombstone', 'its data was removed, but the job was not deleted');
    }
    return {
      job: this.#options.job,
      entries: this.#entries,
      seq: this.#next - 1,
      last,
      isLive,
      watched: this.#watched,
      isReplayed: this.#isReplayed,
      unredacted: last?.removed ? this.#unredacted : undefined,
      effects: this.#effects,
      unknownMachines: this.#unknown,
      problems: this.#problems,
    };
  }

  #add(seq: number, faults: readonly Fault[]): void {
    for (const { check, message } of faults) this.#tell(seq, check, message);
  }

  #tell(seq: number, check: Fault['check'], message: string): void {
    if (this.#problems.length >= toldPerJob) return;
    this.#problems.push({ job: this.#options.job, seq, check, message });
  }

  #checkPlace({ seq, at }: Commit): void {
    if (seq > this.#next) {
      const missing =
        seq === this.#next + 1
          ? `entry ${this.#next} is`
          : `entries ${this.#next} to ${seq - 1} are`;
      this.#tell(seq, 'sequence', `${missing} missing before it`);
    }
    if (seq < this.#next) this.#tell(seq, 'sequence', 'its place in the log is taken already');
    if (at < this.#at) this.#tell(seq, 'sequence', 'it is older than the commit in front of it');
  }

  #takeEntry(commit: Commit, seq: number, entry: StoredEntry): void {
    if (entryHash(this.#previous, commit, seq, entry) !== entry.hash) {
      this.#tell(seq, 'hash', 'it, or the entry before it, is not as it was accepted');
    }
    this.#previous = entry.hash;
    this.#add(seq, dataFaults(entry));
    const before = this.#job;
    if (entry.operation === 'create') this.#beginLife(seq, entry);
    else if (!before || before.removed) {
      const where = before ? 'the job has ended before it' : 'there is no creation before it';
      return this.#tell(seq, 'sequence', where);
    } else this.#add(seq, stateFaults(before, entry));
    this.#checkKey(seq, entry);
    if (entry.operation === 'remove') this.#endLife(commit, seq, entry);
    else if (entry.data !== null) this.#unredacted ??= seq;
    else if (isRedacted(entry)) this.#redacted ??= seq;
    const moved = this.#move(commit, seq, entry);
    if (!this.#fold(commit, seq, entry, moved)) return;
    if (seq === this.#options.watch) this.#watched = this.#job ?? undefined;
  }

  #fold(commit: Commit, seq: number, entry: StoredEntry, moved: Moved | undefined): boolean {
    try {
      this.#job = foldEntry(this.#job, commit, seq, entry, moved);
      return true;
    } catch (error) {
      this.#tell(seq, 'format', `it cannot be read: ${(error as Error).message}`);
      this.#isUnreadable = true;
      return false;
    }
  }

  #beginLife(seq: number, { from }: StoredEntry): void {
    if (this.#job && !this.#job.removed) {
      this.#tell(seq, 'sequence', 'the job is created while it lives');
    }
    if (this.#unredacted !== undefined) {
      this.#tell(this.#unredacted, 'tombstone', 'it has its data, but the job was deleted since');
    }
    if (from !== null) this.#tell(seq, 'replay', `a creation does not come from ${from}`);
    this.#keys = new Set();
    this.#isReplayed = true;
    this.#redacted = undefined;
    this.#unredacted = undefined;
  }

  #endLife(commit: Commit, seq: number, entry: StoredEntry): void {
    if (lastSeq(commit) !== seq) {
      this.#tell(seq, 'sequence', 'the end of a job is not the last entry of its commit');
    }
    this.#add(seq, tombstoneFaults(entry));
    // A later deletion of the same id takes the reason of an earlier one with it.
    this.#untold = isRedacted(entry) ? seq : undefined;
  }

  #checkKey(seq: number, { key }: StoredEntry): void {
    if (key === undefined) return;
    if (this.#keys.has(key)) this.#tell(seq, 'sequence', 'its idempotency key was used before');
    this.#keys.add(key);
  }

  /** Where the machine goes with this entry; undefined where it does not, or that cannot be known. */
  #move(commit: Commit, seq: number, entry: StoredEntry): Moved | undefined {
    const { operation } = entry;
    if (operation !== undefined && operation !== 'create' && operation !== 'timer')
      return undefined;
    const machine = this.#options.registry.find(commit.type, commit.typeVersion);
    if (!machine) this.#meetUnknown(seq, `${commit.type}@${commit.typeVersion}`);
    if (!machine || isRedacted(entry)) this.#isReplayed = false;
    if (!machine || !this.#isReplayed) return undefined;
    const job = operation === 'create' ? null : this.#job;
    const before = job?.snapshot && { snapshot: job.snapshot, timers: job.timers };
    const replayed = replay(machine, [{ ...entry, at: commit.at }], before);
    if (replayed.ok) return replayed;
    this.#isReplayed = false;
    this.#tell(
      seq,
      'replay',
      `${machine.name}@${machine.version}, ${entry.name}: ${replayed.reason}`,
    );
    return undefined;
  }

  #meetUnknown(seq: number, label: string): void {
    if (this.#options.requireMachines && !this.#unknown.has(label)) {
      this.#tell(seq, 'replay', `the machine ${label} is not known here`);
    }
    this.#unknown.add(label);
  }
}
