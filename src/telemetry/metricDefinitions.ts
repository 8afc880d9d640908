/** One metric: what is counted, and by which labels. */
export interface MetricDefinition<Label extends string = string> {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly Label[];
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

/** Seconds: from a write into memory to a database that is about to be given up. */
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];

const counter = <Label extends string = never>(
  name: string,
  help: string,
  ...labels: readonly Label[]
): MetricDefinition<Label> => ({ name: `jobwright_${name}`, type: 'counter', help, labels });

const gauge = <Label extends string = never>(
  name: string,
  help: string,
  ...labels: readonly Label[]
): MetricDefinition<Label> => ({ name: `jobwright_${name}`, type: 'gauge', help, labels });

const histogram = <Label extends string = never>(
  name: string,
  help: string,
  buckets: readonly number[],
  ...labels: readonly Label[]
): MetricDefinition<Label> => ({
  name: `jobwright_${name}`,
  type: 'histogram',
  help,
  labels,
  buckets,
});

/** Every metric of the product; `docs/metrics.md` is made from it. No label ever holds an id. */
export const metricDefinitions = {
  transitions: counter(
    'transitions_total',
    'Events that were asked for, by what became of them: `accepted`, or the code of the refusal',
    'machine',
    'event',
    'result',
  ),
  commitSize: histogram('commit_batch_size', 'Commits that went to the database together', sizes),
  commitSeconds: histogram(
    'commit_duration_seconds',
    'Time until a batch of commits was journaled by a majority',
    seconds,
  ),
  conflicts: counter('commit_conflicts_total', 'Commits that lost a race and were decided anew'),
  unknown: counter(
    'commit_unknown_outcomes_total',
    'Commits whose answer was lost, so that the log was asked',
  ),
  lag: histogram(
    'projection_lag_seconds',
    'Age of the oldest commit in a write of snapshots: how far lists and search lag behind',
    seconds,
  ),
  projected: counter('projection_jobs_total', 'Snapshots of jobs written'),
  projectionFailures: counter(
    'projection_failures_total',
    'Writes of snapshots that failed and were tried again',
  ),
  repaired: counter('projection_repaired_jobs_total', 'Snapshots made again after a crash'),
  outbox: gauge(
    'outbox_effects',
    'Effects in the database: `due` ones wait or run, `parked` ones need a person',
    'status',
  ),
  effects: counter(
    'effects_total',
    'Attempts at effects by how they ended: `done`, `failed` (tried again) or `parked`',
    'effect',
    'result',
  ),
  timers: counter('timers_fired_total', 'Delayed transitions that came due'),
  dutyFailures: counter(
    'duty_failures_total',
    'Runs of maintenance duties that failed; they run again',
    'duty',
  ),
  requests: counter(
    'http_requests_total',
    'HTTP requests by the pattern of their route and the class of their status',
    'route',
    'method',
    'status',
  ),
  requestSeconds: histogram(
    'http_request_duration_seconds',
    'Time until an HTTP request was answered',
    seconds,
    'route',
    'method',
  ),
  streams: gauge('open_streams', 'Live streams that are open in this process'),
  adminRefusals: counter(
    'admin_refusals_total',
    'Administrative attempts that were refused',
    'action',
    'code',
  ),
};
