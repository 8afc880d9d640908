import { createBulkClient, type BulkClient } from './bulk.ts';
import type { WhyWaiting } from '../records/whyWaiting.ts';
import { segment } from './checkOptions.ts';
import { createDatasetsClient, type DatasetsClient } from './datasets.ts';
import { createTransport } from './transport.ts';
import type {
  CallOptions,
  ClientOptions,
  Request,
  SendCallOptions,
  Transport,
  WriteOptions,
} from './transport.ts';
import { openStream, type StreamOptions } from './stream.ts';
import type * as wire from './wire.ts';
import { createWorkersClient, type WorkersClient } from './workers.ts';

/**
 * The service's API as typed calls, for Node and browsers. Every write carries an idempotency key, so that
 * it is repeated safely where the network fails or the service is busy. Refusals are ProblemError.
 *
 * ```ts
 * const client = new JobwrightClient({ url: 'http://127.0.0.1:8787', token });
 * const { job } = await client.createJob({ pipeline: 'count' });
 * await client.send(job.id, [{ name: 'run' }, { name: 'finish' }]);
 * ```
 */
export class JobwrightClient {
  readonly #transport: Transport;
  /** One operation on many jobs. */
  readonly bulk: BulkClient;
  /** Tables of entries × specifications, whose cells are records. */
  readonly datasets: DatasetsClient;
  /** Workers: what `createWorker` speaks to, and those there are. */
  readonly workers: WorkersClient;

  constructor(options: ClientOptions) {
    this.#transport = createTransport(options);
    this.bulk = createBulkClient(this.#transport);
    this.datasets = createDatasetsClient(this.#transport);
    this.workers = createWorkersClient(this.#transport);
  }

  /** Creates a job, or attaches to the one with the same machine, pipeline, parents and data. */
  async createJob(
    input: wire.CreateJobInput,
    options: WriteOptions = {},
  ): Promise<wire.CreatedJob> {
    const request: Request = { ...options, method: 'POST', path: '/v1/jobs', body: input };
    const { status, json } = await this.#transport.request(request);
    return { ...(json as Omit<wire.CreatedJob, 'created'>), created: status === 201 };
  }

  /** A page of jobs, newest first unless `sort` says otherwise. */
  jobs(query: wire.JobQuery = {}, options: CallOptions = {}): Promise<wire.JobsPage> {
    return this.#get('/v1/jobs', options, { ...query });
  }

  /** All jobs that fit, page by page. */
  async *allJobs(
    query: wire.JobQuery = {},
    options: CallOptions = {},
  ): AsyncGenerator<wire.Job, void> {
    let cursor = query.cursor;
    do {
      const page = await this.jobs({ limit: 500, ...query, cursor }, options);
      yield* page.jobs;
      cursor = page.next;
    } while (cursor !== undefined);
  }

  /** How many jobs of each machine are in each state: cheap however many there are. */
  counts(query: wire.CountQuery = {}, options: CallOptions = {}): Promise<wire.StateCounts> {
    return this.#get('/v1/counts', options, { ...query });
  }

  job(id: string, options: CallOptions = {}): Promise<wire.Job> {
    return this.#get(jobPath(id), options);
  }

  /** Up to 1,000 jobs by their ids, in that order; null for one that is not there, where that is told to be fine. */
  getJobs(
    input: wire.GetJobsInput,
    options: CallOptions = {},
  ): Promise<{ readonly jobs: readonly (wire.Job | null)[] }> {
    return this.#write('POST', '/v1/jobs/get', options, input);
  }

  /** Sets up jobs of one machine, at most 500; what is wrong with one is told in its outcome and keeps no other. */
  createJobs(
    input: wire.CreateJobsInput,
    options: WriteOptions = {},
  ): Promise<{ readonly outcomes: readonly wire.CreateOutcome[] }> {
    return this.#write('POST', '/v1/jobs/many', options, input);
  }

  /** Why no worker works on a job. */
  why(id: string, options: CallOptions = {}): Promise<WhyWaiting> {
    return this.#get(`${jobPath(id)}/why`, options);
  }

  /** A page of the jobs that have this one for a parent, by id. */
  children(
    id: string,
    query: { readonly limit?: number | undefined; readonly cursor?: string | undefined } = {},
    options: CallOptions = {},
  ): Promise<{ readonly children: readonly wire.RelativeView[]; readonly next?: string }> {
    return this.#get(`${jobPath(id)}/children`, options, { ...query });
  }

  /** The jobs that a job has for parents, by id. */
  parents(
    id: string,
    options: CallOptions = {},
  ): Promise<{ readonly parents: readonly wire.RelativeView[] }> {
    return this.#get(`${jobPath(id)}/parents`, options);
  }

  /** A job's attempts that ended, the first one first. */
  attempts(
    id: string,
    options: CallOptions = {},
  ): Promise<{ readonly attempts: readonly wire.Attempt[] }> {
    return this.#get(`${jobPath(id)}/attempts`, options);
  }

  /** What an attempt left, of the newest one unless told otherwise: a result as its JSON value, else a text. */
  output<Name extends wire.OutputName>(
    id: string,
    { name, attempt = 'latest' }: wire.OutputChoice<Name>,
    options: CallOptions = {},
  ): Promise<Name extends 'result' ? unknown : string> {
    const path = `${jobPath(id)}/attempts/${segment(String(attempt))}/${segment(name)}`;
    return this.#json({ ...options, method: 'GET', path, readsText: name !== 'result' });
  }

  /** A page of a job's history, oldest first. */
  history(
    id: string,
    query: wire.HistoryQuery = {},
    options: CallOptions = {},
  ): Promise<wire.History> {
    return this.#get(`${jobPath(id)}/history`, options, { ...query });
  }

  /** A job's whole history, page by page. */
  async *allHistory(
    id: string,
    query: wire.HistoryQuery = {},
    options: CallOptions = {},
  ): AsyncGenerator<wire.Entry, void> {
    let after = query.after;
    do {
      const page = await this.history(id, { limit: 500, ...query, after }, options);
      yield* page.entries;
      after = page.next;
    } while (after !== undefined);
  }

  /** Sends an event, or several as a chain that is accepted whole or refused whole. */
  send(
    id: string,
    events: wire.SentEvent | readonly wire.SentEvent[],
    options: SendCallOptions = {},
  ): Promise<wire.SentEvents> {
    const body = 'name' in events ? events : { events };
    return this.#write('POST', `${jobPath(id)}/events`, options, body);
  }

  /** Reports to a job's callback URL, with the token that this URL holds and no other. */
  callback(
    url: string,
    body: Readonly<Record<string, unknown>>,
    options: WriteOptions = {},
  ): Promise<wire.CallbackOutcome> {
    const target = URL.canParse(url) ? new URL(url) : undefined;
    // In a header it stands in nobody's log.
    const token = target?.searchParams.get('token') ?? null;
    target?.searchParams.delete('token');
    return this.#json({ ...options, method: 'POST', path: target?.href ?? '', body, token });
  }

  /** Removes a job to which nothing has happened since its creation. */
  cancel(id: string, options: SendCallOptions = {}): Promise<{ readonly cancelled: true }> {
    return this.#write('POST', `${jobPath(id)}/cancel`, options);
  }

  /** Cleans a job for another run. Admins only. */
  reset(
    id: string,
    input: wire.ResetInput,
    options: SendCallOptions = {},
  ): Promise<{ readonly job: wire.Job }> {
    return this.#write('POST', `${jobPath(id)}/reset`, options, input);
  }

  /** Deletes a job for good and cleans the links to it. Admins only. */
  delete(
    id: string,
    { reason }: { readonly reason: string },
    options: SendCallOptions = {},
  ): Promise<{ readonly deleted: true; readonly linksRemoved: number }> {
    return this.#json({ ...options, method: 'DELETE', path: jobPath(id), query: { reason } });
  }

  /** A token of one job, limited to some events, in time, or to one use. */
  issueToken(
    id: string,
    limits: wire.TokenLimits = {},
    options: WriteOptions = {},
  ): Promise<wire.IssuedToken> {
    return this.#write('POST', `${jobPath(id)}/tokens`, options, limits);
  }

  /** Ends all tokens of a job. */
  revokeTokens(
    id: string,
    { reason }: { readonly reason?: string } = {},
    options: SendCallOptions = {},
  ): Promise<{ readonly generation: number }> {
    const path = `${jobPath(id)}/tokens`;
    return this.#json({ ...options, method: 'DELETE', path, query: { reason } });
  }

  putPipeline(
    id: string,
    input: wire.PipelineInput = {},
    options: WriteOptions = {},
  ): Promise<wire.PipelineView> {
    return this.#write('PUT', `/v1/pipelines/${segment(id)}`, options, input);
  }

  pipeline(id: string, options: CallOptions = {}): Promise<wire.PipelineView> {
    return this.#get(`/v1/pipelines/${segment(id)}`, options);
  }

  pipelines(
    options: CallOptions = {},
  ): Promise<{ readonly pipelines: readonly wire.PipelineView[] }> {
    return this.#get('/v1/pipelines', options);
  }

  putDocument(
    collection: string,
    id: string,
    document: Readonly<Record<string, unknown>>,
    options: WriteOptions = {},
  ): Promise<wire.LinkedDocument> {
    return this.#write('PUT', documentPath(collection, id), options, document);
  }

  document(
    collection: string,
    id: string,
    options: CallOptions = {},
  ): Promise<wire.LinkedDocument> {
    return this.#get(documentPath(collection, id), options);
  }

  machines(options: CallOptions = {}): Promise<{ readonly machines: readonly wire.MachineView[] }> {
    return this.#get('/v1/machines', options);
  }

  machine(name: string, options: CallOptions = {}): Promise<wire.MachineView> {
    return this.#get(`/v1/machines/${segment(name)}`, options);
  }

  /** Administrative acts, refused ones too, newest first. Admins only. */
  audit(
    query: { readonly limit?: number | undefined } = {},
    options: CallOptions = {},
  ): Promise<{ readonly records: readonly wire.AuditRecord[] }> {
    return this.#get('/v1/audit', options, { ...query });
  }

  /** Whether the service takes requests. */
  async ready(options: CallOptions = {}): Promise<wire.Readiness> {
    const request: Request = { ...options, method: 'GET', path: '/health/ready', accepts: 503 };
    const { status, json } = await this.#transport.request(request);
    return { status: 'unknown', ...(json as object), ready: status === 200 };
  }

  /** Entries as they are accepted; goes on by itself after a break. See `gap` for what was missed. */
  stream(
    filter: wire.StreamFilter = {},
    options: StreamOptions = {},
  ): AsyncGenerator<wire.StreamEntry | wire.StreamGap, void, undefined> {
    return openStream(this.#transport, filter, options);
  }

  #get<Result>(path: string, options: CallOptions, query?: Request['query']): Promise<Result> {
    return this.#json({ ...options, method: 'GET', path, query });
  }

  #write<Result>(
    method: 'POST' | 'PUT',
    path: string,
    options: SendCallOptions,
    body: unknown = {},
  ): Promise<Result> {
    return this.#json({ ...options, method, path, body });
  }

  /** The service is believed to answer as its contract says. */
  async #json<Result>(request: Request): Promise<Result> {
    return (await this.#transport.request(request)).json as Result;
  }
}

const jobPath = (id: string): string => `/v1/jobs/${segment(id)}`;

const documentPath = (collection: string, id: string): string =>
  `/v1/documents/${segment(collection)}/${segment(id)}`;
