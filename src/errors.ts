/**
 * Every refusal and failure the product can report: one class a cause, one stable `code` a class.
 *
 * A message says what was tried, what was found, what would be allowed and what to do next.
 * No message, field or cause ever holds a token or a secret. HTTP numbers live elsewhere.
 */
export abstract class JobError extends Error {
  /** Stable and greppable; documented in docs/errors.md. */
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    // Not enumerable, so that the fields of a class are exactly its readable ones.
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true });
  }

  /** The code, the message and the readable fields, safe to show to a caller. */
  toJSON(): Record<string, unknown> {
    return { ...(this as object), code: this.code, message: this.message };
  }
}

/** The machine has no such transition in the job's state, or every guard of it said no. */
export class InvalidTransition extends JobError {
  readonly code = 'INVALID_TRANSITION';
  readonly jobId: string;
  readonly event: string;
  /** The event's place in its chain, from 0. */
  readonly index: number;
  readonly from: string;
  /** Names of the events that the state has, for one kind of actor or another. */
  readonly allowed: readonly string[];

  constructor(refusal: {
    jobId: string;
    event: string;
    index: number;
    from: string;
    allowed: readonly string[];
    /** The event's one target, where it has only one in the whole machine. */
    target?: string | undefined;
    /** The guard that said no, where the state has the event. */
    guard?: string | undefined;
  }) {
    const { jobId, event, index, from, allowed, target, guard } = refusal;
    const tried = target
      ? `Cannot transition to ${target} from ${from}`
      : `Cannot apply ${event} in ${from}`;
    const reason = guard ? ` (guard ${guard} refused)` : '';
    super(`${tried}${reason}; allowed: ${list(allowed)}`);
    this.jobId = jobId;
    this.event = event;
    this.index = index;
    this.from = from;
    this.allowed = allowed;
  }
}

/** No machine event has this name; nothing was looked up on any object. */
export class UnknownEvent extends JobError {
  readonly code = 'UNKNOWN_EVENT';
  readonly event: string;
  readonly known: readonly string[];

  constructor(event: unknown, known: readonly string[]) {
    const shown = showName(event);
    super(`Unknown event ${shown}; this machine knows: ${list(known)}`);
    this.event = shown;
    this.known = known;
  }
}

/** No machine is registered under this name, or not in this version. `name` is the name that was asked for. */
export class UnknownMachine extends JobError {
  readonly code = 'UNKNOWN_MACHINE';
  readonly known: readonly string[];

  constructor(machine: unknown, known: readonly string[]) {
    const shown = showName(machine);
    super(
      `Unknown machine ${shown}; registered: ${list(known)}. Pass its definition in JobManager.open({ machines })`,
    );
    Object.defineProperty(this, 'name', { value: shown, enumerable: true });
    this.known = known;
  }
}

/** One thing wrong with given data: where, and what. */
export interface DataIssue {
  readonly path: string;
  readonly message: string;
}

/** Data that a schema refuses, or that JSON would change silently. */
export class InvalidData extends JobError {
  readonly code = 'INVALID_DATA';
  readonly issues: readonly DataIssue[];

  constructor(what: string, issues: readonly DataIssue[]) {
    const told = shorten(issues);
    const shown = told.slice(0, 5).map(({ path, message }) => `${path}: ${message}`);
    const more = issues.length > 5 ? ` (+${issues.length - 5} more)` : '';
    super(`Invalid ${what}: ${shown.join('; ')}${more}`);
    this.issues = told;
  }
}

/** As much as helps: data may be wrong in a hundred thousand places, and its keys as long as itself. */
const shorten = (issues: readonly DataIssue[]): DataIssue[] =>
  issues
    .slice(0, 20)
    .map(({ path, message }) => ({ path: path.slice(0, 200), message: message.slice(0, 200) }));

export class JobNotFound extends JobError {
  readonly code = 'JOB_NOT_FOUND';
  readonly jobId: string;

  constructor(jobId: unknown) {
    const shown = showName(jobId);
    super(`No job ${shown} was found: it never existed, was cancelled or was deleted`);
    this.jobId = shown;
  }
}

export class PipelineNotFound extends JobError {
  readonly code = 'PIPELINE_NOT_FOUND';
  readonly pipeline: string;

  constructor(pipeline: unknown) {
    const shown = showName(pipeline);
    super(`No pipeline ${shown} is registered; register it first with pipelines.put`);
    this.pipeline = shown;
  }
}

export class DocumentNotFound extends JobError {
  readonly code = 'DOCUMENT_NOT_FOUND';
  readonly collection: string;
  readonly documentId: string;

  constructor(collection: unknown, id: unknown) {
    const [where, shown] = [showName(collection), showName(id)];
    super(`No document ${shown} is in ${where}; put it there first with documents.put`);
    this.collection = where;
    this.documentId = shown;
  }
}

export class ParentNotFound extends JobError {
  readonly code = 'PARENT_NOT_FOUND';
  readonly parent: string;

  constructor(parent: unknown) {
    const shown = showName(parent);
    super(
      `No linked document has the id or name ${shown}; give a document's id, its name, or <collection>:<id or name>`,
    );
    this.parent = shown;
  }
}

export class MixedParents extends JobError {
  readonly code = 'MIXED_PARENTS';
  readonly parents: readonly string[];
  readonly collections: readonly string[];

  constructor(parents: readonly string[], collections: readonly string[]) {
    super(
      `The parents ${list(parents)} belong to several collections (${list(collections)}); give parents of one collection, as <collection>:<id or name> where a name is ambiguous`,
    );
    this.parents = parents;
    this.collections = collections;
  }
}

/** A missing, malformed, expired, revoked or foreign token. The token itself is never told. */
export class Unauthenticated extends JobError {
  readonly code = 'UNAUTHENTICATED';
  readonly reason: string;

  constructor(reason: string) {
    super(`Not authenticated: ${reason}`);
    this.reason = reason;
  }
}

/** A genuine actor without the right to this. */
export class Forbidden extends JobError {
  readonly code = 'FORBIDDEN';
  readonly action: string;

  constructor(action: string, detail: string) {
    super(`Not allowed to ${action}: ${detail}`);
    this.action = action;
  }
}

export class AdminRequired extends JobError {
  readonly code = 'ADMIN_REQUIRED';
  readonly action: string;

  constructor(action: string) {
    super(`Only an admin may ${action}; give an admin token (jobwright token admin)`);
    this.action = action;
  }
}

/** What the two front doors of the managed pipeline job refuse on their own account. */
export class ManagedPipelineJobError extends JobError {
  readonly code: string = 'MANAGED_PIPELINE_JOB';
}

export class CancelTooLate extends ManagedPipelineJobError {
  override readonly code = 'CANCEL_TOO_LATE';
  readonly jobId: string;
  readonly from: string;

  constructor(jobId: string, from: string) {
    super(
      `Cannot cancel job ${jobId} in ${from}: something has happened since it was created. Send a fail event instead`,
    );
    this.jobId = jobId;
    this.from = from;
  }
}

/** The key was used before, by another actor or for other events. */
export class IdempotencyConflict extends JobError {
  readonly code = 'IDEMPOTENCY_CONFLICT';
  readonly key: string;

  constructor(key: string) {
    super(
      `The idempotency key ${showName(key)} was used before for something else; take a new key`,
    );
    this.key = key;
  }
}

export class VersionMismatch extends JobError {
  readonly code = 'VERSION_MISMATCH';
  readonly expected: number;
  readonly actual: number;

  constructor(expected: number, actual: number) {
    super(`Expected version ${expected}, found ${actual}; read the job again and decide anew`);
    this.expected = expected;
    this.actual = actual;
  }
}

export class ArchivePathRefused extends JobError {
  readonly code = 'ARCHIVE_PATH_REFUSED';
  readonly path: string;

  constructor(path: unknown, reason: string, options?: ErrorOptions) {
    const shown = showName(path);
    super(`Archive path ${shown} refused: ${reason}`, options);
    this.path = shown;
  }
}

/** The database did not answer in time. An event may or may not be stored: repeat it with the same key. */
export class StoreUnavailable extends JobError {
  readonly code = 'STORE_UNAVAILABLE';

  constructor(what: string, options?: ErrorOptions) {
    super(
      `The store is unavailable: ${what}. Repeat with the same idempotency key once it answers`,
      options,
    );
  }
}

/** A reader of the live stream fell too far behind and was cut off; nothing is lost. */
export class StreamOverflow extends JobError {
  readonly code = 'STREAM_OVERFLOW';
  /** How many entries may wait for a reader. */
  readonly limit: number;

  constructor(limit: number) {
    super(
      `The stream was cut off: more than ${limit} entries were waiting to be read. Follow again from the last position that was read`,
    );
    this.limit = limit;
  }
}

/** An effect that was tried and did not succeed; it is retried until done or parked. */
export class EffectFailed extends JobError {
  readonly code = 'EFFECT_FAILED';
  readonly jobId: string;
  readonly effect: string;

  constructor(jobId: string, effect: string, reason: string, options?: ErrorOptions) {
    super(
      `Effect ${effect} of job ${jobId} failed: ${reason}. The job keeps its state; mend the cause and repeat the action`,
      options,
    );
    this.jobId = jobId;
    this.effect = effect;
  }
}

/** No worker of this name was ever activated. */
export class WorkerNotFound extends JobError {
  readonly code = 'WORKER_NOT_FOUND';
  readonly worker: string;

  constructor(worker: unknown) {
    const shown = showName(worker);
    super(`There is no worker ${shown}; activate it first`);
    this.worker = shown;
  }
}

/** The name of a worker is used once for ever, so that the history stays clear. */
export class WorkerExists extends JobError {
  readonly code = 'WORKER_EXISTS';
  readonly worker: string;

  constructor(worker: string) {
    super(`There is, or was, a worker ${worker}; a worker that starts again takes a new name`);
    this.worker = worker;
  }
}

/** The worker was deactivated, or was silent past its deadline: what it had is with others. */
export class WorkerInactive extends JobError {
  readonly code = 'WORKER_INACTIVE';
  readonly worker: string;
  readonly workerStatus: string;

  constructor(worker: string, status: string) {
    super(
      `Worker ${worker} is ${status}: what it had was given back, and nothing of this call was taken; activate anew under another name`,
    );
    this.worker = worker;
    this.workerStatus = status;
  }
}

/** A report on a job under a claim that is not its newest: another worker has it, or nobody. */
export class LeaseLost extends JobError {
  readonly code = 'LEASE_LOST';
  readonly jobId: string;
  /** The epoch that was named, and the job's. */
  readonly epoch: number;
  readonly found: {
    readonly state: string;
    readonly worker: string | null;
    readonly epoch: number;
  };

  constructor(jobId: string, epoch: number, found: LeaseLost['found']) {
    const holder = found.worker === null ? 'no worker has it' : `worker ${found.worker} has it`;
    super(
      `Claim ${epoch} of job ${jobId} no longer holds: the job is ${found.state}, ${holder}, its newest claim is ${found.epoch}. Drop this work`,
    );
    this.jobId = jobId;
    this.epoch = epoch;
    this.found = found;
  }
}

/** An output above the limit; nothing of its report was stored, and the job still runs. */
export class OutputTooLarge extends JobError {
  readonly code = 'OUTPUT_TOO_LARGE';
  readonly output: string;
  readonly bytes: number;
  readonly limit: number;

  constructor(output: string, bytes: number, limit: number) {
    super(
      `Output ${output} has ${bytes} bytes, at most ${limit} are taken; report it shortened, or keep it as a file of the archive`,
    );
    this.output = output;
    this.bytes = bytes;
    this.limit = limit;
  }
}

/** No such attempt or output of a job, or none that can still be given. */
export class OutputNotFound extends JobError {
  readonly code = 'OUTPUT_NOT_FOUND';
  readonly jobId: string;

  constructor(jobId: string, reason: string, options?: ErrorOptions) {
    super(`No such output of job ${jobId}: ${reason}`, options);
    this.jobId = jobId;
  }
}

/** An operation on many jobs, or on a filter, wants to be looked at first. */
export class PlanRequired extends JobError {
  readonly code = 'PLAN_REQUIRED';

  constructor(reason: string) {
    super(`${reason}: send it with dryRun first, and then with the plan that this answers`);
  }
}

/** A plan that is forged, too old, or for another operation. */
export class PlanRefused extends JobError {
  readonly code = 'PLAN_REFUSED';

  constructor(reason: string) {
    super(`The plan is refused: ${reason}; make a new one with dryRun`);
  }
}

/** A record that others rely on is not deleted for good in passing. */
export class StillReferenced extends JobError {
  readonly code = 'STILL_REFERENCED';
  readonly jobId: string;
  /** Some of those that refer to it: jobs, or datasets. */
  readonly by: readonly string[];

  constructor(jobId: string, by: readonly string[]) {
    super(
      `Job ${jobId} is still referenced by ${list(by)}; delete such jobs in the same operation, or drop such a dataset first`,
    );
    this.jobId = jobId;
    this.by = by;
  }
}

/** No dataset has this name. */
export class DatasetNotFound extends JobError {
  readonly code = 'DATASET_NOT_FOUND';
  readonly dataset: string;

  constructor(dataset: unknown) {
    const shown = showName(dataset);
    super(`There is no dataset ${shown}; create it first, or list what there is`);
    this.dataset = shown;
  }
}

/** A machine definition that cannot be run safely, refused when it is registered. */
export class InvalidMachine extends JobError {
  readonly code = 'INVALID_MACHINE';
  readonly machine: string;
  readonly problems: readonly string[];

  constructor(machine: string, problems: readonly string[]) {
    super(`Machine ${machine} refused: ${problems.join('; ')}`);
    this.machine = machine;
    this.problems = problems;
  }
}

/** A guard or assignment of a machine threw, or left a context that JSON would change. */
export class MachineFault extends JobError {
  readonly code = 'MACHINE_FAULT';
  readonly machine: string;
  readonly event: string;

  constructor(machine: string, event: string, reason: string, options?: ErrorOptions) {
    super(
      `Machine ${machine} failed on ${showName(event)}: ${reason}. Nothing was written`,
      options,
    );
    this.machine = machine;
    this.event = event;
  }
}

/** Wrong or missing configuration; the message names the setting and its remedy. */
export class InvalidConfiguration extends JobError {
  readonly code = 'INVALID_CONFIGURATION';
  readonly setting: string;

  constructor(setting: string, reason: string, options?: ErrorOptions) {
    super(`Configuration ${setting}: ${reason}`, options);
    this.setting = setting;
  }
}

/** No usable mongod, or one that did not start; says what was tried and what to do. */
export class EmbeddedMongoError extends JobError {
  readonly code = 'EMBEDDED_MONGO';
}

const list = (names: readonly string[]): string =>
  names.length > 0 ? names.join(', ') : 'nothing';

/** A caller's own text, shortened and on one line, for a message. */
const showName = (value: unknown): string => {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value;
  const flat = value.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '\uFFFD');
  return flat.length <= 80 ? flat : `${flat.slice(0, 77)}...`;
};
