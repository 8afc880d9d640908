import { gunzipSync } from 'node:zlib';
import { StoreUnavailable, WorkerExists, WorkerInactive } from '../../src/errors.ts';
import type {
  Activation,
  ClaimedJob,
  Heartbeat,
  Held,
  Progress,
  ReportOutcome,
  Result,
  WorkerProtocol,
  WorkerView,
} from '../../src/records/workerProtocol.ts';
import { claimedJob } from './claimedJob.ts';

type Call = keyof WorkerProtocol;

/** What a worker speaks to, with a mind of its own: it fails, hangs and refuses as the test says. */
export interface ScriptedService extends WorkerProtocol {
  readonly calls: { readonly call: Call; readonly given: unknown }[];
  /** Jobs to be claimed, oldest first. */
  readonly queue: ClaimedJob[];
  readonly accepted: Result[];
  readonly active: Set<string>;
  /** What the next heartbeats tell to drop. */
  abandon: (Held & { readonly state: string })[];
  /** What each report is answered; undefined: it is accepted. */
  judge: (result: Result) => { readonly code: string; readonly message: string } | undefined;
  /** What each call meets first. */
  before: (call: Call) => Promise<void> | void;
  add(id: string, data?: ClaimedJob['data']): void;
}

/** A report as it was before its outputs were compressed. */
function unzipped({ zipped = {}, ...rest }: Result): Result {
  const outputs = Object.entries(zipped).map(([name, { data }]) => {
    const text = gunzipSync(Buffer.from(data, 'base64')).toString();
    return [name, name === 'result' ? (JSON.parse(text) as unknown) : text];
  });
  return { ...rest, ...(Object.fromEntries(outputs) as Partial<Result>) };
}

export function scriptedService(): ScriptedService {
  const names = new Set<string>();
  const service: ScriptedService = {
    calls: [],
    queue: [],
    accepted: [],
    active: new Set(),
    abandon: [],
    judge: () => undefined,
    before: () => undefined,
    add: (id, data) => void service.queue.push({ ...claimedJob(data), id }),
    activate: (activation: Activation) =>
      meet('activate', activation, () => {
        const { name = 'drawn' } = activation;
        if (names.has(name)) throw new WorkerExists(name);
        names.add(name);
        service.active.add(name);
        return viewOf(name, activation);
      }),
    heartbeat: (name, heartbeat: Heartbeat = {}) =>
      meet('heartbeat', heartbeat.running, () => {
        requireActive(name);
        const { abandon } = service;
        service.abandon = [];
        return { worker: viewOf(name, {}), abandon };
      }),
    claim: (name, { limit } = {}) =>
      meet('claim', limit, () => {
        requireActive(name);
        return service.queue.splice(0, limit ?? 200);
      }),
    progress: (name, reports: readonly Progress[]) =>
      meet('progress', reports, () => {
        requireActive(name);
        return reports.map(({ id }, index) => acceptedAs(index, id));
      }),
    report: (name, results: readonly Result[]) =>
      meet('report', results, () => {
        requireActive(name);
        return results.map((sent, index) => {
          const result = unzipped(sent);
          const { id } = result;
          const refused = service.judge(result);
          if (refused) return { index, id, outcome: 'rejected', ...refused } as const;
          service.accepted.push(result);
          return acceptedAs(index, id);
        });
      }),
    deactivate: (name) =>
      meet('deactivate', name, () => {
        service.active.delete(name);
        return viewOf(name, {});
      }),
  };
  const meet = async <Given>(call: Call, given: unknown, answer: () => Given): Promise<Given> => {
    service.calls.push({ call, given });
    await service.before(call);
    return answer();
  };
  const requireActive = (name: string): void => {
    if (!service.active.has(name)) throw new WorkerInactive(name, 'lost');
  };
  return service;
}

/** A failure that passes. */
export const unavailable = (): Error => new StoreUnavailable('it is being started');

const acceptedAs = (index: number, id: string): ReportOutcome => ({
  index,
  id,
  outcome: 'accepted',
  state: 'complete',
});

const viewOf = (name: string, { leaseSeconds = 2 }: Activation): WorkerView => ({
  name,
  subject: 'ada',
  status: 'active',
  tags: ['*'],
  programs: {},
  leaseSeconds,
  activatedAt: '2026-11-21T12:00:00.000Z',
  beatAt: '2026-11-21T12:00:00.000Z',
  deadline: '2026-11-21T12:00:02.000Z',
  endedAt: null,
  counts: { claimed: 0, completed: 0, failed: 0, released: 0, rejected: 0 },
});
