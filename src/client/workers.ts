import type {
  Activation,
  ClaimedJob,
  ClaimRequest,
  Heartbeat,
  HeartbeatAnswer,
  Progress,
  ReportOutcome,
  Result,
  WorkerProtocol,
  WorkerView,
} from '../records/workerProtocol.ts';
import type { WorkerStatus } from '../store/workerStore.ts';
import { segment } from './checkOptions.ts';
import type { CallOptions, Request, Transport } from './transport.ts';

export interface WorkerQuery {
  readonly status?: WorkerStatus | undefined;
  /** 1 to 500. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface WorkersPage {
  readonly workers: readonly WorkerView[];
  /** Give it as `cursor` for the next page; absent on the last one. */
  readonly next?: string;
}

/** Workers as the service has them: what `createWorker` speaks to, and what there is to read. */
export interface WorkersClient extends WorkerProtocol {
  get(name: string, options?: CallOptions): Promise<WorkerView>;
  /** By name. */
  list(query?: WorkerQuery, options?: CallOptions): Promise<WorkersPage>;
}

export function createWorkersClient(transport: Transport): WorkersClient {
  // The service is believed to answer as its contract says.
  const ask = async <Given>(request: Request): Promise<Given> =>
    (await transport.request(request)).json as Given;
  const post = <Given>(path: string, body: unknown): Promise<Given> =>
    ask({ method: 'POST', path, body });
  return {
    activate: (activation: Activation) => post<WorkerView>('/v1/workers', activation),
    heartbeat: (name: string, heartbeat: Heartbeat = {}) =>
      post<HeartbeatAnswer>(`${workerPath(name)}/heartbeat`, heartbeat),
    async claim(name: string, request: ClaimRequest = {}) {
      const path = `${workerPath(name)}/claim`;
      return (await post<{ readonly jobs: readonly ClaimedJob[] }>(path, request)).jobs;
    },
    async progress(name: string, reports: readonly Progress[]) {
      return (await post<Outcomes>(`${workerPath(name)}/progress`, { reports })).outcomes;
    },
    async report(name: string, results: readonly Result[]) {
      return (await post<Outcomes>(`${workerPath(name)}/results`, { results })).outcomes;
    },
    deactivate: (name: string) => ask<WorkerView>({ method: 'DELETE', path: workerPath(name) }),
    get: (name, options = {}) =>
      ask<WorkerView>({ ...options, method: 'GET', path: workerPath(name) }),
    list: (query = {}, options = {}) =>
      ask<WorkersPage>({ ...options, method: 'GET', path: '/v1/workers', query: { ...query } }),
  };
}

interface Outcomes {
  readonly outcomes: readonly ReportOutcome[];
}

const workerPath = (name: string): string => `/v1/workers/${segment(name)}`;
