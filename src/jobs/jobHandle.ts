import { authorise, type Principal } from '../auth/authorise.ts';
import { InvalidData, Unauthenticated } from '../errors.ts';
import type { EventSchemas, MachineDefinition } from '../machine/define.ts';
import { persistSnapshot } from '../machine/snapshot.ts';
import { createChain, type Chain, type EventMethods } from './chain.ts';
import { checkKey } from './checkKey.ts';
import type { Engine } from './engine.ts';
import {
  activeStates,
  viewAllowedEvents,
  viewJob,
  type AllowedEventView,
  type JobView,
} from './jobView.ts';
import type { LiveJob } from './liveJob.ts';
import { callbackUrlOf, issueJobToken, type JobTokenLimits } from './jobToken.ts';
import { loadLiving } from './loadJob.ts';
import { takeEvent } from './parseEvent.ts';
import { readHistory, type History, type HistoryPage } from './readHistory.ts';
import { cancelJob, deleteJob, type CancelInput, type RemoveInput } from './removeJob.ts';
import type { EventInput } from './request.ts';
import { resetJob, type ResetInput } from './resetJob.ts';
import { revokeTokens } from './revokeTokens.ts';
import { sendEvents } from './sendEvents.ts';

/** An administrative call: with an admin token, or on a handle that was taken with one. */
export type WithToken<Input> = Input & { readonly token?: string | undefined };

/** How events are sent, beside the events themselves. */
export interface SendOptions {
  /** Idempotency key: repeated with it, a request is applied once and answered alike. */
  readonly key?: string | undefined;
  /** Only if this is the job's version. Throws VersionMismatch otherwise. */
  readonly ifVersion?: number | undefined;
}

/** One job as one actor sees it. Its fields show what was known when it last answered; `refresh` reads anew. */
export type JobHandle<Events extends EventSchemas = EventSchemas> = JobCore<Events> &
  EventMethods<Events, Handled<Events>> & {
    /** Removes the job if nothing has happened to it; an event of that name takes its place. */
    readonly [Name in 'cancel' extends keyof Events ? never : 'cancel']: (
      options?: CancelInput,
    ) => Promise<void>;
  };

/** What chains of a job resolve to: its handle. */
export interface Handled<Events extends EventSchemas> {
  readonly is: JobHandle<Events>;
}

/** Makes the handle of a job for an actor, with a method for each event of its machine. */
export function createJobHandle<Events extends EventSchemas>(
  engine: Engine,
  principal: Principal,
  job: LiveJob,
): JobHandle<Events> {
  const definition = engine.registry.find(job.type, job.typeVersion)?.definition;
  const Handle = handleClass(definition as MachineDefinition<Events> | undefined);
  // The class was made from this very definition, so it has a method for each of its events.
  return new Handle(engine, principal, job) as unknown as JobHandle<Events>;
}

const classes = new WeakMap<MachineDefinition, typeof JobCore>();

/** One class a machine, so that a handle is a small object and its methods are shared. */
function handleClass<Events extends EventSchemas>(
  definition: MachineDefinition<Events> | undefined,
) {
  const known = definition && classes.get(definition);
  if (known) return known;
  const Handle = class extends JobCore<Events> {};
  const methods = Handle.prototype as unknown as Record<string, unknown>;
  if (!Object.hasOwn(definition?.events ?? {}, 'cancel')) methods['cancel'] = cancel;
  for (const name of Object.keys(definition?.events ?? {})) {
    if (name in JobCore.prototype) continue;
    methods[name] = function (this: JobCore<Events>, data?: unknown) {
      return this.send(name, data);
    };
  }
  if (definition) classes.set(definition, Handle as typeof JobCore);
  return Handle;
}

async function cancel(this: JobCore, options: CancelInput = {}): Promise<void> {
  await this.cancelJob(options);
}

class JobCore<Events extends EventSchemas = EventSchemas> {
  readonly #engine: Engine;
  readonly #principal: Principal;
  #job: LiveJob;
  #token: { readonly generation: number; readonly text: string } | undefined;

  constructor(engine: Engine, principal: Principal, job: LiveJob) {
    this.#engine = engine;
    this.#principal = principal;
    this.#job = job;
  }

  get id(): string {
    return this.#job.id;
  }
  get type(): string {
    return this.#job.type;
  }
  get typeVersion(): string {
    return this.#job.typeVersion;
  }
  /** The dotted active state. */
  get state(): string {
    return this.#job.state;
  }
  /** All active states, outermost first. */
  get states(): readonly string[] {
    return activeStates(this.#job);
  }
  /** Seq of the newest entry. */
  get version(): number {
    return this.#job.seq;
  }
  get data(): Readonly<Record<string, unknown>> {
    return JSON.parse(this.#job.data) as Record<string, unknown>;
  }
  get links(): JobView['links'] {
    return this.view().links;
  }
  get tags(): readonly string[] {
    return [...this.#job.setup.tags];
  }
  /** The virtual path of its directory below the archive root. */
  get archivePath(): string {
    return this.#job.setup.archivePath;
  }
  /** The directory on this machine that stands for the archive path. */
  get archiveDirectory(): string {
    return this.#engine.archive.resolve(this.archivePath);
  }
  /** What the machine remembers. */
  get context(): Readonly<Record<string, unknown>> {
    const { snapshot, persisted } = this.#job;
    return snapshot ? persistSnapshot(snapshot).context : (persisted?.context ?? {});
  }
  /** A token for this job, made when it is first asked for; dead after a reset, a revocation or the end. */
  get token(): string {
    const { generation } = this.#job;
    if (this.#token?.generation !== generation) {
      const { actor, token } = this.#principal;
      // Whoever came with a job token has it already, and may not make himself a wider one.
      if (token && actor.kind === 'job')
        throw new Unauthenticated('a job token makes no further tokens');
      const { token: text } = issueJobToken(this.#engine, this.#principal, this.#job);
      this.#token = { generation, text };
    }
    return this.#token.text;
  }
  /** Where an outside system reports to, complete with the token. */
  get callbackUrl(): string {
    return callbackUrlOf(this.#engine, this.id, this.token);
  }

  /** Sends an event by name; further ones may be chained. */
  send(name: string, data?: unknown): Chain<Events, Handled<Events>> {
    const definition = this.#engine.registry.find(this.type, this.typeVersion)?.definition;
    const send = (events: readonly EventInput[]) => this.sendAll(events);
    const known = definition as MachineDefinition<Events> | undefined;
    return createChain(known, send, { name, data }, this.#engine.jsonLimits);
  }

  /** Sends a chain given as a list, with an idempotency key or an expected version. */
  async sendAll(
    events: readonly EventInput[],
    options: SendOptions = {},
  ): Promise<JobHandle<Events>> {
    const { key, ifVersion } = options;
    if (!(events instanceof Array) || !events.every(isObject)) {
      throw new InvalidData('events', [{ path: 'events', message: 'a list of {name, data?}' }]);
    }
    const answer = await sendEvents(this.#engine, this.id, {
      principal: this.#principal,
      demand: {
        kind: 'events',
        events: events.map((event) => takeEvent(event, this.#engine.jsonLimits)),
      },
      ...(key !== undefined && { key: checkKey(key) }),
      ...(ifVersion !== undefined && { ifVersion }),
    });
    return this.#become(answer.job);
  }

  /** A page of the history, oldest first. */
  async history(page: HistoryPage = {}): Promise<History> {
    return readHistory(this.#engine, await this.#load(), page);
  }

  /** The events that the job's state has now, and who may send them. */
  async allowedEvents(): Promise<readonly AllowedEventView[]> {
    return viewAllowedEvents(this.#engine.registry, await this.#load(), this.#engine.now());
  }

  /** Reads the job anew: every event acknowledged before the call shows. */
  async refresh(): Promise<JobHandle<Events>> {
    return this.#become(await this.#load());
  }

  /** The job as last known, as plain data. */
  view(): JobView {
    return viewJob(this.#engine.registry, this.#job, this.#engine.now());
  }

  toJSON(): JobView {
    return this.view();
  }

  /** Cleans the job for another run: the archive is emptied, the state is the first one again. Admins only. */
  async reset({ token, ...input }: WithToken<ResetInput>): Promise<JobHandle<Events>> {
    return this.#become(await resetJob(this.#engine, this.#principalOf(token), this.id, input));
  }

  /** Deletes the job for good and cleans the links to it. Admins only. */
  async delete({
    token,
    ...input
  }: WithToken<RemoveInput>): Promise<{ deleted: true; linksRemoved: number }> {
    const linksRemoved = await deleteJob(this.#engine, this.#principalOf(token), this.id, input);
    return { deleted: true, linksRemoved };
  }

  /** Removes the job if nothing has happened to it since its creation. */
  async cancelJob(options: CancelInput = {}): Promise<void> {
    await cancelJob(this.#engine, this.#principal, this.id, options);
  }

  /** A token for this job that is limited to some events, to one use, or in time (seconds). */
  issueToken(limits: JobTokenLimits = {}): { token: string; expiresAt: Date } {
    return issueJobToken(this.#engine, this.#principal, this.#job, limits);
  }

  /** Ends all tokens of the job; resolves to the new generation. */
  async revokeTokens(reason?: string): Promise<number> {
    const job = await revokeTokens(this.#engine, this.#principal, this.id, { reason });
    this.#become(job);
    return job.generation;
  }

  #principalOf(token: string | undefined): Principal {
    if (token === undefined) return this.#principal;
    const verified = this.#engine.tokens.verify(token);
    return { actor: verified.actor, token: verified };
  }

  async #load(): Promise<LiveJob> {
    const job = await loadLiving(this.#engine, this.id);
    authorise(this.#principal, 'job.read', { jobId: this.id, generation: job.generation });
    this.#become(job);
    return job;
  }

  /** Never back: answers may overtake each other. */
  #become(job: LiveJob): JobHandle<Events> {
    if (job.seq >= this.#job.seq) this.#job = job;
    return this as unknown as JobHandle<Events>;
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
