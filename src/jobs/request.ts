import type { Principal } from '../auth/authorise.ts';
import type { Commit, JobSetup, StoredEntry } from '../store/store.ts';
import type { LiveJob } from './liveJob.ts';

/** An event as it is asked for: any text as name, any value as data. */
export interface EventInput {
  readonly name: unknown;
  readonly data?: unknown;
}

/** The data's canonical JSON, taken when the call is made: what the caller changes later is not sent. */
export interface TakenEvent {
  readonly name: unknown;
  readonly json: string | null;
}

/** What is asked of one job. All but `events` concern the job around its machine. */
export type Demand =
  | { readonly kind: 'events'; readonly events: readonly TakenEvent[] }
  | {
      readonly kind: 'create';
      readonly type: string;
      readonly typeVersion: string;
      readonly json: string;
      readonly setup: JobSetup;
    }
  | { readonly kind: 'timers' }
  | { readonly kind: 'revoke'; readonly json: string | null }
  | { readonly kind: 'unlink'; readonly id: string }
  | { readonly kind: 'remove'; readonly name: 'cancel' | 'delete'; readonly json: string | null };

export interface Request {
  readonly principal: Principal;
  readonly demand: Demand;
  /** Applied once however often it is sent. */
  readonly key?: string;
  /** The version the sender has seen. */
  readonly ifVersion?: number;
  /** The right that events need; `job.send` unless told otherwise. */
  readonly right?: 'job.work';
}

/** Where an accepted entry stands. */
export interface PlacedEntry {
  readonly jobId: string;
  readonly seq: number;
  readonly at: Date;
  readonly entry: StoredEntry;
}

export interface Answer {
  /** The job right after these entries. */
  readonly job: LiveJob;
  /** Empty where the request found all as it wanted it. */
  readonly entries: readonly PlacedEntry[];
}

/** A request under way, and whom to tell. */
export interface Mail {
  readonly request: Request;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** The entries of a commit, or those from one place in it until before another, with their seqs. */
export function placeEntries(
  { job: jobId, seq, at, entries }: Commit,
  from = 0,
  until = entries.length,
): PlacedEntry[] {
  const placed: PlacedEntry[] = [];
  for (let place = from; place < until; place += 1) {
    const entry = entries[place];
    if (entry) placed.push({ jobId, seq: seq + place, at, entry });
  }
  return placed;
}
