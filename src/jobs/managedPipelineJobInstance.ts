import { z } from 'zod';
import { pipelineJob } from '../../machines/index.ts';
import { InvalidData, Unauthenticated } from '../errors.ts';
import { createChain, type Chain, type EventMethods } from './chain.ts';
import type { JobHandle } from './jobHandle.ts';
import { JobManager } from './jobManager.ts';
import { addEventMethods, type PipelineEvents } from './managedPipelineJob.ts';
import type { OpenOptions } from './openEngine.ts';
import { issuesOf } from './parseEvent.ts';
import type { EventInput } from './request.ts';

export interface ManagedPipelineJobInstanceOptions extends OpenOptions {
  /** Id of the job. */
  readonly uuid: string;
  /** A token of the job, or an admin's; a message may bring its own. */
  readonly token?: string | undefined;
}

/** A report for a job, as outside systems send it. */
export interface EventMessage {
  readonly uuid: string;
  readonly name: string;
  readonly data?: Readonly<Record<string, unknown>> | null | undefined;
  readonly token?: string | undefined;
}

const messageSchema = z.strictObject({
  uuid: z.string(),
  name: z.string(),
  data: z.looseObject({}).nullish(),
  token: z.string().nullish(),
});

/** What a chain on an instance resolves to: the instance itself. */
export interface ItselfInstance {
  readonly is: ManagedPipelineJobInstance;
}

class PipelineJobInstance {
  readonly #options: ManagedPipelineJobInstanceOptions;
  #manager: Promise<JobManager> | undefined;
  #job: JobHandle<PipelineEvents> | undefined;

  constructor(options: ManagedPipelineJobInstanceOptions) {
    this.#options = options;
  }

  get uuid(): string {
    return this.#options.uuid;
  }
  /** State after the last answer; undefined before the first. */
  get state(): string | undefined {
    return this.#job?.state;
  }
  get version(): number | undefined {
    return this.#job?.version;
  }

  /**
   * Takes in a message. InvalidData where it has another shape or is for another job; Unauthenticated
   * without a token of this job; AdminRequired for an administrative event without an admin token.
   */
  async handle(message: EventMessage): Promise<ManagedPipelineJobInstance> {
    const parsed = messageSchema.safeParse(message);
    if (!parsed.success) throw new InvalidData('message', issuesOf(parsed.error, 'message'));
    const { uuid, name, token } = parsed.data;
    if (uuid !== this.uuid) {
      throw new InvalidData('message', [
        { path: 'message.uuid', message: `this instance is for job ${this.uuid}` },
      ]);
    }
    return this.#sendAll([{ name, data: message.data }], token ?? this.#options.token);
  }

  /** Sends an event by name; further ones may be chained. */
  send(name: string, data?: unknown): Chain<PipelineEvents, ItselfInstance> {
    const send = (events: readonly EventInput[]) => this.#sendAll(events, this.#options.token);
    return createChain<PipelineEvents, ItselfInstance>(pipelineJob, send, { name, data });
  }

  /** Closes what the first message opened. */
  async close(): Promise<void> {
    const manager = await this.#manager?.catch(() => undefined);
    this.#manager = undefined;
    await manager?.close();
  }

  async #sendAll(
    events: readonly EventInput[],
    token: string | undefined,
  ): Promise<ManagedPipelineJobInstance> {
    if (token === undefined) throw new Unauthenticated('no token was given');
    const { uuid, token: _token, ...options } = this.#options;
    // It only reports: emptying archives is for processes that know where they are.
    this.#manager ??= JobManager.open({ background: false, ...options }) as Promise<JobManager>;
    const job = await (await this.#manager).job<'pipelineJob'>(uuid, { token });
    this.#job = await job.sendAll(events);
    // The methods of the events are put on the prototype below.
    return this as unknown as ManagedPipelineJobInstance;
  }
}
addEventMethods(PipelineJobInstance.prototype);

/** A job that another process made, for deferred updates by whoever has its id and a token. */
export type ManagedPipelineJobInstance = PipelineJobInstance &
  EventMethods<PipelineEvents, ItselfInstance>;
export const ManagedPipelineJobInstance = PipelineJobInstance as unknown as new (
  options: ManagedPipelineJobInstanceOptions,
) => ManagedPipelineJobInstance;
