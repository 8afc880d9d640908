import { AdminRequired, Forbidden, IdempotencyConflict, Unauthenticated } from '../errors.ts';
import { entryDataDigest } from '../store/hashChain.ts';
import type { Commit } from '../store/store.ts';
import type { Engine } from './engine.ts';
import { loadJobAt } from './loadJob.ts';
import { parseEvent } from './parseEvent.ts';
import { placeEntries, type Answer, type Mail, type PlacedEntry, type Request } from './request.ts';

/** The key under which a request is applied only once: its own, or that of its one-time token. */
export function keyOf({ principal: { token }, key }: Request): string | undefined {
  return token?.once ? `once:${token.tokenId}` : key;
}

/**
 * What a request was answered when it came first: the same entries, and the job as it was after them.
 * Null if it is new. Rejects if its key was used by another actor or for something else.
 */
export async function answerRepeat(
  engine: Engine,
  jobId: string,
  request: Request,
): Promise<Answer | null> {
  const key = keyOf(request);
  if (key === undefined) return null;
  const commit = await engine.store.findKey(jobId, key);
  const place = commit?.entries.findIndex((entry) => entry.key === key) ?? -1;
  if (!commit || place < 0) return null;
  const entries = placeEntries(commit, place, place + (commit.entries[place]?.keyCount ?? 1));
  if (!isSameRequest(engine, commit, request, entries)) {
    throw request.principal.token?.once
      ? new Unauthenticated('the one-time token was used')
      : new IdempotencyConflict(key);
  }
  const last = entries.at(-1)?.seq ?? commit.seq;
  const job = await loadJobAt(engine, jobId, last);
  return job && { job, entries };
}

/** Answers those that are repeats; hands back the others. */
export async function answerRepeats(
  engine: Engine,
  jobId: string,
  mail: readonly Mail[],
): Promise<Mail[]> {
  const open: Mail[] = [];
  for (const each of mail) {
    try {
      const repeat = await answerRepeat(engine, jobId, each.request);
      if (repeat) each.resolve(repeat);
      else open.push(each);
    } catch (error) {
      each.reject(error);
    }
  }
  return open;
}

/** Rejects a refused request, unless it is the repeat of what was legal then. */
export async function answerRefusal(
  engine: Engine,
  jobId: string,
  { mail, error }: { mail: Mail; error: Error },
): Promise<void> {
  try {
    const hasRight = !rightsErrors.some((kind) => error instanceof kind);
    const repeat = hasRight ? await answerRepeat(engine, jobId, mail.request) : null;
    if (repeat) mail.resolve(repeat);
    else mail.reject(error);
  } catch (failure) {
    mail.reject(failure);
  }
}

const rightsErrors = [Unauthenticated, Forbidden, AdminRequired];

/** Whether entries are what this request would make: the same sender, names and data. */
function isSameRequest(
  engine: Engine,
  { type, typeVersion }: Commit,
  { principal, demand }: Request,
  entries: readonly PlacedEntry[],
): boolean {
  const { actor } = principal;
  if (
    !entries.every(({ entry }) => entry.actor.kind === actor.kind && entry.actor.id === actor.id)
  ) {
    return false;
  }
  if (demand.kind === 'remove') return entries[0]?.entry.name === demand.name;
  if (demand.kind !== 'events') return entries[0]?.entry.operation === demand.kind;
  if (demand.events.length !== entries.length) return false;
  const machine = engine.registry.find(type, typeVersion);
  return demand.events.every((event, index) => {
    const entry = entries[index]?.entry;
    const parsed = machine && parseEvent(machine, event, engine.jsonLimits);
    return (
      entry !== undefined &&
      parsed?.name === entry.name &&
      entryDataDigest({ data: parsed.json }) === entryDataDigest(entry)
    );
  });
}
