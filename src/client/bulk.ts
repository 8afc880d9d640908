import type { BulkRequest } from '../bulk/bulkRequest.ts';
import type { BulkOutcome } from '../bulk/outcome.ts';
import type { BulkPlan } from '../bulk/planBulk.ts';
import type { BulkRunView, OutcomesPage } from '../bulk/readRun.ts';
import type { BulkAnswer } from '../bulk/runBulk.ts';
import { segment } from './checkOptions.ts';
import { pause } from './pause.ts';
import type { CallOptions, Request, Transport, WriteOptions } from './transport.ts';

export type { BulkAnswer, BulkOutcome, BulkPlan, BulkRequest, BulkRunView, OutcomesPage };

/** One operation on many jobs, by their ids or by a filter. */
export interface BulkClient {
  /** What a request would do; writes nothing. Its `plan` lets the run of the same request pass. */
  plan(request: BulkRequest, options?: CallOptions): Promise<BulkPlan>;
  /** Does it. Answers once the run has ended, or after `wait` seconds (default 20): it goes on all the same. */
  run(
    request: BulkRequest,
    options?: WriteOptions & { readonly wait?: number | undefined },
  ): Promise<BulkAnswer & { readonly next?: string }>;
  read(run: string, options?: CallOptions): Promise<BulkRunView>;
  /** The run as often as it is asked for, until it has ended. */
  follow(run: string, options?: CallOptions): AsyncGenerator<BulkRunView, void>;
  /** What became of each target, in the order of the request, as far as it is done. */
  outcomes(run: string, options?: CallOptions): AsyncGenerator<BulkOutcome, void>;
  /** Runs, the newest first. */
  list(
    page?: { readonly limit?: number | undefined; readonly cursor?: string | undefined },
    options?: CallOptions,
  ): Promise<{ readonly runs: readonly BulkRunView[]; readonly next?: string }>;
  /** Ends a run between two chunks. */
  stop(
    run: string,
    input?: { readonly reason?: string },
    options?: WriteOptions,
  ): Promise<BulkRunView>;
}

/** Seconds; less than a transport's patience. */
const usualWait = 20;
const pollMs = 500;
const pageSize = 10_000;
const ended = new Set(['finished', 'stopped', 'failed']);

export function createBulkClient(transport: Transport): BulkClient {
  // The service is believed to answer as its contract says.
  const ask = async <Result>(request: Request): Promise<Result> =>
    (await transport.request(request)).json as Result;
  const post = <Result>(path: string, body: unknown, options: WriteOptions): Promise<Result> =>
    ask({ ...options, method: 'POST', path, body });
  const get = <Result>(
    path: string,
    options: CallOptions,
    query?: Request['query'],
  ): Promise<Result> => ask({ ...options, method: 'GET', path, query });
  const client: BulkClient = {
    plan: (request, options = {}) => post('/v1/bulk', { ...request, dryRun: true }, options),
    run: (request, { wait = usualWait, ...options } = {}) =>
      post('/v1/bulk', { ...request, wait }, options),
    read: (run, options = {}) => get(pathOf(run), options),
    async *follow(run, options = {}) {
      for (;;) {
        const view = await client.read(run, options);
        yield view;
        if (ended.has(view.state)) return;
        await pause(pollMs, options.signal);
      }
    },
    async *outcomes(run, options = {}) {
      for (let after: number | undefined, isLast = false; !isLast;) {
        const page: OutcomesPage = await get(`${pathOf(run)}/outcomes`, options, {
          after,
          limit: pageSize,
        });
        yield* page.outcomes;
        after = page.next;
        isLast = after === undefined;
      }
    },
    list: (page = {}, options = {}) => get('/v1/bulk', options, { ...page }),
    stop: (run, input = {}, options = {}) => post(`${pathOf(run)}/stop`, input, options),
  };
  return client;
}

const pathOf = (run: string): string => `/v1/bulk/${segment(run)}`;
