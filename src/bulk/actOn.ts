import {
  JobError,
  JobNotFound,
  StillReferenced,
  StoreUnavailable,
  InvalidTransition,
} from '../errors.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { inWaves, withAllBefore } from './family.ts';
import type { Chunk } from './gatherTargets.ts';
import type { OutcomeKind } from './outcome.ts';
import { findReferences, type References } from './findReferences.ts';
import { bringToHand, orderOf, type Work } from './work.ts';

const refused = (code: string, state?: string): OutcomeKind =>
  state === undefined ? { outcome: 'refused', code } : { outcome: 'refused', code, state };
const malformed = refused('INVALID_DATA');
const duplicate: OutcomeKind = { outcome: 'unchanged', code: 'DUPLICATE' };

/**
 * Does an operation to all of a chunk, most of them at once; each after its parents, or after its children
 * where something is restored, also where those stand in a later chunk. Done again, it changes nothing
 * twice and comes to the same. Rejects with StoreUnavailable where nobody knows.
 */
export async function actOnChunk(work: Work, chunk: Chunk): Promise<OutcomeKind[]> {
  if (chunk.kind === 'relatives') {
    const found = await actOnAll(work, new Set(chunk.ids));
    return chunk.ids.map((id) => asRelative(found.get(id) ?? malformed));
  }
  const [no, again] = [new Set(chunk.malformed), new Set(chunk.duplicate)];
  const own = chunk.ids.filter((_id, place) => !no.has(place) && !again.has(place));
  const found = await actOnAll(work, withAllBefore(own, requestedOnly(work)));
  return chunk.ids.map((id, place) => {
    if (again.has(place)) return duplicate;
    return (no.has(place) ? undefined : found.get(id)) ?? malformed;
  });
}

/** Relatives have chunks of their own, in the right order. */
function requestedOnly(work: Work): ReadonlyMap<string, readonly string[]> {
  const { indices } = work;
  const order = orderOf(work);
  if (order.size === 0) return order;
  const own = [...order].filter(([id]) => indices.has(id));
  return new Map(own.map(([id, before]) => [id, before.filter((each) => indices.has(each))]));
}

/** A relative is only touched where its state admits it. */
function asRelative(kind: OutcomeKind): OutcomeKind {
  const isExpected = kind.code !== undefined && expected.has(kind.code);
  return isExpected ? { ...kind, outcome: 'unchanged' } : kind;
}
const expected: ReadonlySet<string> = new Set([
  'INVALID_TRANSITION',
  'UNKNOWN_EVENT',
  'JOB_NOT_FOUND',
]);

async function actOnAll(
  work: Work,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, OutcomeKind>> {
  const found = new Map<string, OutcomeKind>();
  const jobs = await bringToHand(work.engine, [...ids]);
  for (const wave of inWaves(ids, orderOf(work))) {
    const references = work.asked.isHard ? await findReferences(work, wave, jobs) : none;
    // All are let come to their end, also where one fails: nothing is left under way.
    const outcomes = await Promise.allSettled(
      wave.map((id) => actOnOne(work, id, jobs.get(id) ?? null, references)),
    );
    outcomes.forEach((outcome, place) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      found.set(wave[place] ?? '', outcome.value);
    });
  }
  return found;
}

const none: References = new Map();

async function actOnOne(
  work: Work,
  id: string,
  job: LiveJob | null,
  references: References,
): Promise<OutcomeKind> {
  const { engine, principal, send, run, indices } = work;
  if (work.gone.has(id)) return { outcome: 'updated' };
  if (!job) return kindOf(work, null, new JobNotFound(id));
  const by = references.get(id);
  if (by && !job.removed) return kindOf(work, job, new StillReferenced(id, by));
  const index = indices.get(id);
  const key = index === undefined ? `bulk:${run}:rel:${id}` : `bulk:${run}:${index}`;
  const machine = engine.registry.find(job.type, job.typeVersion);
  try {
    const { state, removed } = await send(id, { principal, key, demand: work.demandFor(machine) });
    if (removed) work.gone.add(id);
    return removed ? { outcome: 'updated' } : { outcome: 'updated', state };
  } catch (error) {
    return kindOf(work, engine.live.peek(id) ?? job, error);
  }
}

function kindOf(
  { asked: { isHard }, engine, run }: Work,
  job: LiveJob | null,
  error: unknown,
): OutcomeKind {
  if (error instanceof StoreUnavailable) throw error;
  if (error instanceof JobNotFound) {
    // It is gone, as was wanted.
    return { outcome: isHard ? 'unchanged' : 'refused', code: error.code };
  }
  if (error instanceof InvalidTransition) return refused(error.code, error.from);
  if (error instanceof JobError) return refused(error.code, job?.state);
  engine.telemetry.emit('duty.failed', { duty: `bulk ${run}`, error: String(error) });
  return refused('INTERNAL', job?.state);
}
