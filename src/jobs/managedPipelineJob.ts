import { pipelineJob } from '../../machines/index.ts';
import { ManagedPipelineJobError } from '../errors.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import { createChain, type Chain, type EventMethods } from './chain.ts';
import type { JobHandle, WithToken } from './jobHandle.ts';
import { JobManager } from './jobManager.ts';
import { mergeData } from './mergeData.ts';
import type { OpenOptions } from './openEngine.ts';
import type { CancelInput, RemoveInput } from './removeJob.ts';
import type { ResetInput } from './resetJob.ts';
import type { SetupInput } from './setupInput.ts';

export type PipelineEvents = (typeof pipelineJob)['events'];

export interface ManagedPipelineJobOptions extends OpenOptions, Omit<SetupInput, 'pipeline'> {
  readonly pipelines: {
    /** Base of the callback URL. */
    readonly job_manager_url?: string | undefined;
    /** Id of a registered pipeline. */
    readonly pipeline_uuid?: string | undefined;
  };
}

/** What a chain on a managed pipeline job resolves to: the job itself. */
export interface ItselfManaged {
  readonly is: ManagedPipelineJob;
}

class PipelineJob {
  readonly #options: ManagedPipelineJobOptions;
  #manager: Promise<JobManager> | undefined;
  #job: JobHandle<PipelineEvents> | undefined;

  constructor(options: ManagedPipelineJobOptions) {
    this.#options = options;
  }

  /** Merges data into that of the constructor (right wins, deep), creates the job or attaches, resolves to itself. */
  async setup({ data }: { readonly data?: SetupInput['data'] } = {}): Promise<ManagedPipelineJob> {
    const { pipelines, parents, session, agent, task, archivePath, instanced, tags } =
      this.#options;
    const merged = asOfNow(mergeData(this.#options.data ?? {}, data ?? {}));
    const manager = await this.#open();
    this.#job = await manager.setup('pipelineJob', {
      pipeline: pipelines.pipeline_uuid,
      parents,
      data: merged,
      session,
      agent,
      task,
      archivePath,
      instanced,
      tags,
    });
    return this.#itself;
  }

  /** The job as the JobManager gives it out: history, allowed events, idempotency keys. */
  get job(): JobHandle<PipelineEvents> {
    if (this.#job) return this.#job;
    throw new ManagedPipelineJobError('The job is not set up yet; await setup() first');
  }
  get uuid(): string {
    return this.job.id;
  }
  get state(): string {
    return this.job.state;
  }
  get version(): number {
    return this.job.version;
  }
  get token(): string {
    return this.job.token;
  }
  /** The URL to report to, complete with the token. */
  get callback(): string {
    return this.job.callbackUrl;
  }
  get archivePath(): string {
    return this.job.archivePath;
  }

  /** Sends an event by name; further ones may be chained. */
  send(name: string, data?: unknown): Chain<PipelineEvents, ItselfManaged> {
    const send = async (events: Parameters<JobHandle<PipelineEvents>['sendAll']>[0]) => {
      await this.job.sendAll(events);
      return this.#itself;
    };
    return createChain<PipelineEvents, ItselfManaged>(pipelineJob, send, { name, data });
  }

  /** Removes the job if nothing has happened since its creation. Rejects with CancelTooLate otherwise. */
  async cancel(options: CancelInput = {}): Promise<ManagedPipelineJob> {
    await this.job.cancel(options);
    return this.#itself;
  }

  /** Cleans the job for another run. Admins only. */
  async reset(input: WithToken<ResetInput>): Promise<ManagedPipelineJob> {
    await this.job.reset(input);
    return this.#itself;
  }

  /** Deletes the job for good and cleans the links to it. Admins only. */
  async delete(input: WithToken<RemoveInput>): Promise<ManagedPipelineJob> {
    await this.job.delete(input);
    return this.#itself;
  }

  /** Closes what `setup` opened. */
  async close(): Promise<void> {
    const manager = await this.#manager?.catch(() => undefined);
    this.#manager = undefined;
    await manager?.close();
  }

  get #itself(): ManagedPipelineJob {
    // The methods of the events are put on the prototype below.
    return this as unknown as ManagedPipelineJob;
  }

  #open(): Promise<JobManager> {
    const { pipelines, data: _data, ...options } = this.#options;
    const publicUrl = pipelines.job_manager_url ?? options.publicUrl;
    this.#manager ??= JobManager.open({ ...options, publicUrl }) as Promise<JobManager>;
    return this.#manager;
  }
}

/** A copy that the caller cannot change any more; what is no plain JSON stays, to be refused by name. */
function asOfNow(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const json = canonicalJson(data);
  return json.ok ? (JSON.parse(json.text) as Record<string, unknown>) : data;
}

/** Gives a class a method for each event of the pipeline job, which begins a chain by its `send`. */
export function addEventMethods(prototype: { send(name: string, data?: unknown): unknown }): void {
  for (const name of Object.keys(pipelineJob.events)) {
    if (name === 'reset') continue;
    Object.defineProperty(prototype, name, {
      value(this: typeof prototype, data?: unknown) {
        return this.send(name, data);
      },
    });
  }
}
addEventMethods(PipelineJob.prototype);

/**
 * One pipeline run, from the process that starts it: name the pipeline, `setup`, then send events, each
 * of which is a method. It opens a JobManager of its own; `close` it. Its state, uuid, token and callback
 * are there after `setup`.
 */
export type ManagedPipelineJob = PipelineJob & EventMethods<PipelineEvents, ItselfManaged>;
export const ManagedPipelineJob = PipelineJob as unknown as new (
  options: ManagedPipelineJobOptions,
) => ManagedPipelineJob;
