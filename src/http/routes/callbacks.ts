import { AdminRequired, InvalidData, InvalidTransition, UnknownEvent } from '../../errors.ts';
import { entryDataDigest } from '../../store/hashChain.ts';
import type { Engine } from '../../jobs/engine.ts';
import { loadLiving } from '../../jobs/loadJob.ts';
import { parseEvent, takeEvent } from '../../jobs/parseEvent.ts';
import { sendEvents } from '../../jobs/sendEvents.ts';
import { authorise, type Principal } from '../../auth/authorise.ts';
import { eventOfStatus, isMilestone } from '../externalStatus.ts';
import { problemAnswer, problemOf } from '../problem.ts';
import { defineRoute, JsonText, type Answer, type Call, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { sentJson } from './events.ts';

type CallbackQuery = ReturnType<typeof schemas.callbackQuery.parse>;
type CallbackCall = Omit<Call, 'query' | 'body'> & {
  readonly query: CallbackQuery;
  readonly body: Readonly<Record<string, unknown>>;
};

const row = {
  method: 'POST',
  access: 'job.send',
  takesTokenAnywhere: true,
  headers: ['Idempotency-Key'],
  query: schemas.callbackQuery,
  body: schemas.callback,
  answers: { 200: schemas.called },
  refusals: { 404: 'JOB_NOT_FOUND' },
} as const;

const byPath = defineRoute({
  ...row,
  path: '/v1/callbacks/{id}',
  summary: "An outside system's report on a job: an event by name, or an external status",
  handle: (call) => receive(call, call.params['id'] ?? ''),
});

const byUuid = defineRoute({
  ...row,
  path: '/v1/callbacks',
  summary: 'The same, the job named by `uuid` in the query or the body',
  handle: (call) => receive(call, uuidOf(call)),
});

export const callbackRoutes: readonly Route[] = [byPath, byUuid];

/** The job that a callback without one in its path is about. */
export function uuidOf({ query, body }: Pick<CallbackCall, 'query' | 'body'>): string {
  const { uuid = query.uuid } = body;
  if (typeof uuid === 'string' && uuid !== '') return uuid;
  throw new InvalidData('callback', [{ path: 'uuid', message: 'name the job, as a text' }]);
}

/** Not part of the report: who it is about, what it asks for, and what a scheduler only tells itself. */
const envelope = ['_links', 'retries', 'localId', 'token', 'uuid', 'name', 'event'];

/**
 * Takes a report in. A known event that the job's state does not have, and a milestone that was reported
 * before, are no mistake of an outside system that repeats itself or comes late: they are answered with
 * `applied: false` and write nothing.
 */
async function receive(call: CallbackCall, jobId: string): Promise<Answer> {
  const { engine, principal, key, body } = call;
  const { name, isStatus } = eventOf(call);
  const data = Object.fromEntries(
    Object.entries(body).filter(([field]) => !envelope.includes(field)),
  );
  const event = takeEvent({ name, data }, engine.jsonLimits);
  try {
    const isRepeatable = key !== undefined || principal.token?.once === true;
    if (isStatus && !isRepeatable) await refuseRepeated(engine, principal, jobId, event);
    const sent = await sendEvents(engine, jobId, {
      principal,
      demand: { kind: 'events', events: [event] },
      ...(key !== undefined && { key }),
    });
    return { body: new JsonText(`{"applied":true,${sentJson(engine, sent)}}`) };
  } catch (error) {
    if (error instanceof InvalidTransition || error instanceof AlreadyReported) {
      return { body: { applied: false, code: error.code, from: error.from } };
    }
    if (!(error instanceof UnknownEvent)) throw error;
    // Whoever reports has no business with a deletion, by whatever door.
    if (name.toLowerCase() === 'delete') throw new AdminRequired('delete');
    if (!isStatus) return problemAnswer(problemOf(error, 400));
    // A status cannot be wrong: this machine just has no word for it.
    const { state } = await loadLiving(engine, jobId);
    return { body: { applied: false, code: error.code, from: state } };
  }
}

/**
 * The event by its name, else by the status; what stands in the body goes before the URL. Jobs of Agave
 * have names of their own: one that is no event stands aside where there is a status.
 */
function eventOf({ engine, body, query }: CallbackCall): { name: string; isStatus: boolean } {
  const own = textOf(body, 'name') ?? textOf(body, 'event');
  const name = own ?? textOf(query, 'name') ?? textOf(query, 'event');
  const status = textOf(body, 'status') ?? textOf(query, 'status');
  if (name !== undefined && (status === undefined || isEvent(engine, name))) {
    return { name, isStatus: false };
  }
  if (status !== undefined) return { name: eventOfStatus(status), isStatus: true };
  throw new InvalidData('callback', [
    { path: 'status', message: 'say what happened: an event as `name` or `event`, or a `status`' },
  ]);
}

const isEvent = ({ registry }: Engine, name: string): boolean =>
  name.toLowerCase() === 'delete' ||
  registry.list().some(({ eventNames }) => eventNames.has(name.toLowerCase()));

function textOf(
  from: Readonly<Record<string, unknown>>,
  field: 'name' | 'event' | 'status',
): string | undefined {
  const value = Object.hasOwn(from, field) ? from[field] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw new InvalidData('callback', [{ path: field, message: 'a text that is not empty' }]);
}

/** Never leaves this file. */
class AlreadyReported extends Error {
  readonly code = 'ALREADY_REPORTED';
  readonly from: string;

  constructor(from: string) {
    super(from);
    this.from = from;
  }
}

/**
 * Throws AlreadyReported where the newest entry is this very report, and the job stands where it led. Looks
 * at what is at hand first: a job that has gone elsewhere since is decided by the step.
 */
async function refuseRepeated(
  engine: Engine,
  principal: Principal,
  jobId: string,
  event: ReturnType<typeof takeEvent>,
): Promise<void> {
  if (!isMilestone(String(event.name))) return;
  const known = engine.live.get(jobId);
  if (known && known.lastEvent !== event.name) return;
  const job = await loadLiving(engine, jobId);
  authorise(principal, 'job.read', { jobId, generation: job.generation });
  const machine = engine.registry.find(job.type, job.typeVersion);
  if (!machine || job.lastEvent !== event.name) return;
  const [commit] = await engine.store.readCommits(job.id, job.seq, 1);
  const newest = commit?.entries[job.seq - commit.seq];
  const { json } = parseEvent(machine, event, engine.jsonLimits);
  if (newest && entryDataDigest(newest) === entryDataDigest({ data: json })) {
    throw new AlreadyReported(job.state);
  }
}
