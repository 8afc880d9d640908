import { z } from 'zod';
import { InvalidData } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { EntryPlace, EntryWatch } from './entryFeed.ts';
import type { EntryFilter } from './entryFollower.ts';
import { issuesOf } from './parseEvent.ts';

export interface WatchEntriesOptions {
  /** `position` of an entry seen before, or `start`, of whichever process. Absent: from now on. */
  readonly after?: string | undefined;
  /** Ends it, without an error. */
  readonly signal: AbortSignal;
}

const text = z.string().max(1_024).optional();
const filterSchema = z.strictObject({
  type: text,
  state: text,
  pipeline: text,
  tag: text,
  q: text,
  job: text,
});

/**
 * Entries as they are accepted, in whichever process, each job's in order. Once it resolves, no later
 * entry is missed; it may begin a moment before. A reader who falls too far behind is cut off with StreamOverflow.
 */
export async function watchEntries(
  { feed }: Pick<Engine, 'feed'>,
  filter: EntryFilter,
  { after, signal }: WatchEntriesOptions,
): Promise<EntryWatch> {
  const parsed = filterSchema.safeParse(filter);
  if (!parsed.success) throw new InvalidData('filter', issuesOf(parsed.error, 'filter'));
  return feed.follow(parsed.data, {
    after: after === undefined ? undefined : toPlace(after),
    signal,
  });
}

function toPlace(after: string): EntryPlace {
  const [, position, known] = /^([A-Za-z0-9_-]{1,4000})\.(\d{1,6})$/.exec(after) ?? [];
  if (position !== undefined) return { position, known: Number(known) };
  throw new InvalidData('position', [
    { path: 'after', message: 'take it from an entry seen before' },
  ]);
}
