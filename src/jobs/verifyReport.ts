import type { EffectTask } from '../store/store.ts';

/**
 * What a problem is about: `format` a commit is not written as commits are; `sequence` entries are
 * missing, repeated or out of order; `hash` an entry is not the one that was accepted; `replay` the
 * machine says otherwise; `projection` the stored job is not what its log comes to; `links` something
 * refers to a deleted job; `tombstone` a deletion is not written as it should be; `effects` a side
 * effect was lost or is late; `counts` the counts of jobs are not what the log comes to.
 */
export type Check =
  | 'format'
  | 'sequence'
  | 'hash'
  | 'replay'
  | 'projection'
  | 'links'
  | 'tombstone'
  | 'effects'
  | 'counts';

export interface Problem {
  /** Empty where it is about no single job. */
  readonly job: string;
  /** The entry that it is about, where there is one. */
  readonly seq?: number;
  readonly check: Check;
  readonly message: string;
}

/** An effect that failed too often and waits for a person. Not a problem of the log. */
export interface ParkedEffect {
  readonly job: string;
  readonly seq: number;
  readonly effect: string;
  readonly error: string;
}

export interface VerifyReport {
  /** No problem was found. */
  readonly ok: boolean;
  /** Jobs that live. */
  readonly jobs: number;
  /** Ids whose job was cancelled or deleted and not set up again. */
  readonly tombstones: number;
  readonly entries: number;
  /** Machine versions that this process does not know; the entries under them are not replayed. */
  readonly unknownMachines: readonly string[];
  /** The first of them; `problemCount` tells how many there are. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  /** The first of them; `parkedCount` tells how many there are. */
  readonly parked: readonly ParkedEffect[];
  readonly parkedCount: number;
}

/** So many problems are told one by one; a database that is wrong throughout must not fill the memory. */
const listed = 1_000;

/** Gathers what a verification finds. */
export function createFindings() {
  const counts = { jobs: 0, tombstones: 0, entries: 0 };
  const machines = new Set<string>();
  const problems: Problem[] = [];
  const parked: ParkedEffect[] = [];
  let problemCount = 0;
  let parkedCount = 0;
  return {
    addProblems(found: readonly Problem[]): void {
      problemCount += found.length;
      problems.push(...found.slice(0, Math.max(listed - problems.length, 0)));
    },
    addParked({ job, seq, effect, error = '' }: EffectTask): void {
      parkedCount += 1;
      if (parked.length < listed) parked.push({ job, seq, effect: effect.type, error });
    },
    /** One job's log, or the log of an id whose job is gone. */
    addLog({ entries, isLive, last, unknownMachines }: CountedLog): void {
      counts.entries += entries;
      if (isLive) counts.jobs += 1;
      if (last?.removed) counts.tombstones += 1;
      for (const machine of unknownMachines) if (machines.size < listed) machines.add(machine);
    },
    report: (): VerifyReport => ({
      ok: problemCount === 0,
      ...counts,
      unknownMachines: [...machines].sort(),
      problems,
      problemCount,
      parked,
      parkedCount,
    }),
  };
}

export type Findings = ReturnType<typeof createFindings>;

interface CountedLog {
  readonly entries: number;
  readonly isLive: boolean;
  readonly last: { readonly removed: boolean } | null;
  readonly unknownMachines: ReadonlySet<string>;
}
