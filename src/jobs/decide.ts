import { authorise, type Principal } from '../auth/authorise.ts';
import { JobNotFound } from '../errors.ts';
import type { Changing } from '../machine/changing.ts';
import { entryHash, firstHash } from '../store/hashChain.ts';
import type { Commit, StoredEntry } from '../store/store.ts';
import { keyOf } from './answerRepeat.ts';
import { decideCreate } from './decideCreate.ts';
import { decideEvents, sizeOfEvents } from './decideEvents.ts';
import { decideRemove, decideRevoke, decideTimers, decideUnlink } from './decideOperation.ts';
import type { Engine } from './engine.ts';
import { foldEntry, type LiveJob, type Moved } from './liveJob.ts';
import { placeEntries, type Answer, type Mail, type Request } from './request.ts';

/** What is to be written for the requests at hand, and what to tell each once it is. */
export interface Plan {
  /** Undefined where nothing is. */
  readonly commit: Commit | undefined;
  /** The job after the commit; only with one. */
  readonly job: LiveJob;
  readonly answered: readonly { mail: Mail; answer: Answer }[];
  readonly refused: readonly { mail: Mail; error: Error }[];
  /** To be decided once the commit is stored, and with it what they repeat or follow on. */
  readonly deferred: readonly Mail[];
}

/** An entry that a request asks for, not yet in the chain. No effects are as good as an empty list. */
export interface Draft {
  readonly entry: Omit<StoredEntry, 'hash' | 'actor'>;
  /** How it moves the machine, if it does. */
  readonly moved?: Moved;
  readonly setup?: Commit['setup'];
}

/** What one request is decided on: the job as the requests before it leave it. */
export interface Standing {
  readonly engine: Engine;
  readonly jobId: string;
  readonly job: LiveJob | null;
  /** The time of the whole commit. */
  readonly at: Date;
}

/**
 * Decides the requests of one job in their order, each on the outcome of the one before. Pure but for
 * the clock: nothing is written. A refusal in the middle concerns only its own sender.
 */
export function decide(
  engine: Engine,
  jobId: string,
  job: LiveJob | null,
  mail: readonly Mail[],
): Plan {
  const at = Math.max(engine.now(), job?.lastAt.getTime() ?? 0);
  const draft = new CommitDraft(engine, jobId, job, at);
  const accepted: Accepted[] = [];
  const refused: { mail: Mail; error: Error }[] = [];
  const deferred: Mail[] = [];
  // Of the requests before, so that one alone needs none.
  let keys: Set<string> | undefined;
  let bytes = 0;
  for (const each of mail) {
    const key = keyOf(each.request);
    try {
      bytes += sizeOf(each.request);
      const isTooMuch = draft.count > 0 && bytes > engine.limits.chainBytes;
      if (isTooMuch || draft.hasRemoved || (key !== undefined && keys?.has(key))) {
        deferred.push(each);
        continue;
      }
      const from = draft.count;
      const after = draft.add(each.request, key);
      if (key !== undefined && mail.length > 1) (keys ??= new Set()).add(key);
      accepted.push({ mail: each, from, until: draft.count, job: after });
    } catch (error) {
      refused.push({ mail: each, error: error as Error });
    }
  }
  const commit = draft.commit();
  const answered = accepted.map(({ mail: each, from, until, job: after }) => ({
    mail: each,
    answer: { job: after, entries: commit ? placeEntries(commit, from, until) : [] },
  }));
  return { commit, job: draft.job as LiveJob, answered, refused, deferred };
}

/** A request whose entries stand in the commit from one place until before another. */
interface Accepted {
  readonly mail: Mail;
  readonly from: number;
  readonly until: number;
  readonly job: LiveJob;
}

/** Length of a request's data; a commit is one document, which must not grow beyond what the store takes. */
const sizeOf = ({ demand }: Request): number =>
  demand.kind === 'events' ? sizeOfEvents(demand.events) : 0;

/** A commit in the making: all entries share the time, each hash follows from the one before. */
class CommitDraft {
  readonly #engine: Engine;
  readonly #jobId: string;
  readonly #at: Date;
  readonly #firstSeq: number;
  readonly #entries: StoredEntry[] = [];
  #setup: Commit['setup'];
  job: LiveJob | null;

  constructor(engine: Engine, jobId: string, job: LiveJob | null, at: number) {
    this.#engine = engine;
    this.#jobId = jobId;
    this.#at = new Date(at);
    this.#firstSeq = (job?.seq ?? 0) + 1;
    this.job = job;
  }

  /** Whether this very commit ends the job: its links have to be cleaned before anything else. */
  get hasRemoved(): boolean {
    return this.#entries.at(-1)?.operation === 'remove';
  }

  /** How many entries it has. */
  get count(): number {
    return this.#entries.length;
  }

  /** Adds all entries of a request, or none and throws. Returns the job after it. */
  add(request: Request, key: string | undefined): LiveJob {
    const standing = { engine: this.#engine, jobId: this.#jobId, job: this.job, at: this.#at };
    const drafts = decideRequest(standing, request);
    const first = this.#firstSeq + this.count;
    let job = this.job;
    const entries: StoredEntry[] = [];
    for (const { entry, moved, setup } of drafts) {
      const head = this.#head(job, request, setup);
      const seq = first + entries.length;
      const stored = toStored(entry, request.principal);
      if (entries.length === 0 && key !== undefined) {
        stored.key = key;
        stored.keyCount = drafts.length;
      }
      stored.hash = entryHash(job?.headHash ?? firstHash, head, seq, stored);
      job = foldEntry(job, head, seq, stored, moved);
      entries.push(stored);
      if (setup) this.#setup = setup;
    }
    if (!job) throw new JobNotFound(this.#jobId);
    for (const entry of entries) this.#entries.push(entry);
    this.job = job;
    return job;
  }

  commit(): Commit | undefined {
    if (!this.job || this.#entries.length === 0) return undefined;
    const commit: Changing<Commit> = {
      job: this.#jobId,
      seq: this.#firstSeq,
      type: this.job.type,
      typeVersion: this.job.typeVersion,
      at: this.#at,
      process: this.#engine.processId,
      nonce: this.#engine.nextNonce(),
      entries: this.#entries,
    };
    if (this.#setup) commit.setup = this.#setup;
    return commit;
  }

  #head(job: LiveJob | null, { demand }: Request, setup: Commit['setup']): EntryHead {
    const { type, typeVersion } =
      demand.kind === 'create' ? demand : (job ?? { type: '', typeVersion: '' });
    const head = { job: this.#jobId, type, typeVersion, at: this.#at };
    return setup ? { ...head, setup } : head;
  }
}

/** What an entry has from its commit. */
type EntryHead = Pick<Commit, 'job' | 'type' | 'typeVersion' | 'at' | 'setup'>;

/** The entry as it is stored, with whose it is, before its key and its hash. */
function toStored(
  { name, operation, data, from, to, effects }: Draft['entry'],
  { actor, token }: Principal,
): Changing<StoredEntry> {
  const stored: Changing<StoredEntry> = { name, data, from, to, actor, hash: '' };
  if (operation !== undefined) stored.operation = operation;
  if (effects && effects.length > 0) stored.effects = effects;
  if (actor.kind === 'admin' && token) stored.tokenId = token.tokenId;
  return stored;
}

function decideRequest(standing: Standing, request: Request): readonly Draft[] {
  const { demand, principal } = request;
  if (demand.kind === 'create') {
    authorise(principal, 'job.create');
    return decideCreate(standing, demand);
  }
  const { job, jobId } = standing;
  if (!job || job.removed) throw new JobNotFound(jobId);
  switch (demand.kind) {
    case 'events':
      return decideEvents({ ...standing, job }, request, demand.events);
    case 'timers':
      return decideTimers({ ...standing, job }, principal);
    case 'revoke':
      return decideRevoke({ ...standing, job }, request, demand.json);
    case 'unlink':
      return decideUnlink(job, demand.id);
    case 'remove':
      return decideRemove({ ...standing, job }, request, demand);
  }
}
