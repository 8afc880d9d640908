import { z } from 'zod';
import type { EventsOf } from '../src/machine/define.ts';
import { commonEvents, priority, queueTag, type QueueWish } from './commonEvents.ts';
import { retryPolicy, type RetryPolicy } from './retryPolicy.ts';

export type RecordState =
  'waiting' | 'running' | 'complete' | 'error' | 'cancelled' | 'invalid' | 'deleted';

/** What is given back when a cancellation, a deletion or an invalidation is undone. */
export interface Kept extends QueueWish {
  readonly state: RecordState;
}

/** What a record remembers between events. */
export interface RecordContext extends QueueWish {
  /** Programs that a worker must have; lower case, sorted. */
  readonly programs: readonly string[];
  /** Whether workers do it, or it follows its children. */
  readonly awaits: 'workers' | 'children';
  /** Jobs and documents it belongs to. */
  readonly parents: readonly string[];
  readonly retries: RetryPolicy | null;
  /** How often it was claimed; the newest claim's number is its epoch, and fences off all earlier ones. */
  readonly epoch: number;
  /** Who has it now, and since when (UTC ISO). */
  readonly lease: { readonly worker: string; readonly since: string } | null;
  /** Who had it when its last attempt ended; null once that attempt no longer counts. */
  readonly producer: string | null;
  /** Attempts that ended, well or not. */
  readonly attempts: number;
  /** Automatic retries since the last reset, by the key of their limit. */
  readonly retried: Readonly<Record<string, number>>;
  /** Not to be claimed before (UTC ISO). */
  readonly readyAt: string | null;
  /** Its archive is being emptied: not to be claimed until that is done. */
  readonly cleaning: boolean;
  /** Why it is in error; null while it waits, runs or is complete. */
  readonly error: { readonly type: string; readonly message: string } | null;
  readonly progress: Readonly<Record<string, unknown>> | null;
  /** The newest last; undoing takes from there, one level at a time. */
  readonly undo: readonly Kept[];
}

const note = z.looseObject({ reason: z.string().max(2_000).optional() }).optional();
const program = queueTag;
/** The number of the claim under which something is reported. */
const epoch = z.int().min(1).optional();

export const input = z.looseObject({
  /** Programs that a worker must have to take it. */
  programs: z
    .array(program)
    .max(32)
    .transform((names) => [...new Set(names)].sort())
    .optional(),
  /** What the programs are to work on: any JSON. */
  input: z.unknown().optional(),
  tag: queueTag.optional(),
  priority: priority.optional(),
  retries: retryPolicy.optional(),
  /** `children`: no worker takes it; it is complete, or in error, once all its children have ended. */
  awaits: z.enum(['workers', 'children']).optional(),
  /** Given beside the data, where they can be checked. */
  parents: z.never('give parents beside the data, not in it').optional(),
});

/** The parents are the engine's to tell. */
export type RecordInput = z.output<typeof input> & { readonly parents?: readonly string[] };

export const events = {
  /** A worker takes it. */
  claim: z.looseObject({ worker: z.string().min(1).max(200) }),
  /** How far the work is. */
  update: z.looseObject({ epoch, progress: z.looseObject({}).optional() }).optional(),
  /** The work is done; outputs as the service stores them. */
  finish: z.looseObject({ epoch }).optional(),
  /** The work went wrong; retried by itself as far as its policy allows. */
  fail: z.looseObject({
    epoch,
    error: z.looseObject({ type: z.string().min(1).max(64), message: z.string().max(4_096) }),
  }),
  /** The worker gives it back, or was lost with it. */
  release: z
    .looseObject({ epoch, lost: z.boolean().optional(), reason: z.string().max(2_000).optional() })
    .optional(),
  cancel: note,
  uncancel: note,
  /** Another try, with a new budget of retries. */
  reset: z
    .looseObject({ keepArchive: z.boolean().optional(), reason: z.string().optional() })
    .optional(),
  /** The archive is emptied. */
  ready: note,
  /** The result is not to be used. */
  invalidate: note,
  uninvalidate: note,
  /** Put away; `undelete` brings it back. */
  delete: note,
  undelete: note,
  /** The first of its children is being worked on. */
  start: note,
  /** The last of its children has ended: how many in which state. */
  settle: z.looseObject({ children: z.record(z.string(), z.int().min(0)) }),
  ...commonEvents,
};

export type RecordEvent = EventsOf<typeof events>;

/** The data of an event, whichever it is. */
export interface RecordData {
  readonly worker?: string;
  readonly epoch?: number;
  readonly lost?: boolean;
  readonly error?: { readonly type: string; readonly message: string };
  readonly progress?: Readonly<Record<string, unknown>>;
  readonly children?: Readonly<Record<string, number>>;
}
/** What any of the events may carry. */
export const dataOf = ({ data }: RecordEvent): RecordData => (data ?? {}) as RecordData;
