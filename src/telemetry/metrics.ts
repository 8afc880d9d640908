import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { firstOf, oneOf } from './boundedLabels.ts';
import type { Telemetry } from './emit.ts';
import { metricDefinitions as metrics, type MetricDefinition } from './metricDefinitions.ts';
import { readAtMostOnceASecond } from './readAtMostOnceASecond.ts';

/** What only the caller knows: the names that may become labels, and what is read at a scrape. */
export interface MetricsSources {
  /** All registered machines with their events and effects; any other name counts as `unknown`. */
  readonly machines: readonly {
    readonly name: string;
    readonly events: readonly string[];
    readonly effects: readonly string[];
  }[];
  /** The patterns of all routes; any other counts as `unmatched`. */
  readonly routes: readonly string[];
  /** How many effects are in the outbox. Asked at most once a second; a failure leaves the gauge out. */
  readonly countEffects: () => Promise<{ readonly due: number; readonly parked: number }>;
}

export interface Metrics {
  /** What `text` is, for the header. */
  readonly contentType: string;
  /** All metrics as Prometheus reads them. */
  text(): Promise<string>;
  /** Stops counting and forgets what was counted. */
  detach(): void;
}

/** Counts what telemetry tells, in a registry of its own, beside the metrics of the process itself. */
export function attachMetrics(telemetry: Telemetry, sources: MetricsSources): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const stops = [
    countTransitions(telemetry, sources, registry),
    countStorage(telemetry, registry),
    countEffects(telemetry, sources, registry),
    countRequests(telemetry, sources, registry),
  ].flat();
  readOutbox(sources, registry);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    detach: () => {
      for (const stop of stops) stop();
      registry.clear();
    },
  };
}

type Stops = (() => void)[];

/** What happens to a job around its machine, as its entries are named. */
const operations = ['create', 'timer', 'revoke', 'unlink', 'cancel', 'delete'];

/** Codes are words of the code, not of a caller: few, and of one shape. */
const errorCode = () => firstOf(100, /^[A-Z][A-Z0-9_]{0,49}$/);

function countTransitions(
  telemetry: Telemetry,
  { machines }: MetricsSources,
  registry: Registry,
): Stops {
  const transitions = counter(registry, metrics.transitions);
  const machineLabel = oneOf(
    machines.map(({ name }) => name),
    'unknown',
  );
  const eventLabels = new Map(
    machines.map(({ name }) => {
      const versions = machines.filter((each) => each.name === name);
      const events = versions.flatMap((each) => each.events);
      return [name, oneOf([...operations, ...events], 'unknown')];
    }),
  );
  const result = errorCode();
  const count = (type: string, event: string, outcome: string): void => {
    const machine = machineLabel(type);
    transitions.inc({
      machine,
      event: eventLabels.get(type)?.(event) ?? 'unknown',
      result: outcome,
    });
  };
  return [
    telemetry.on('job.committed', ({ type, events }) => {
      for (const event of events) count(type, event, 'accepted');
    }),
    telemetry.on('job.refused', ({ type, event, code }) => count(type, event, result(code))),
  ];
}

function countStorage(telemetry: Telemetry, registry: Registry): Stops {
  const commitSize = histogram(registry, metrics.commitSize);
  const commitSeconds = histogram(registry, metrics.commitSeconds);
  const conflicts = counter(registry, metrics.conflicts);
  const unknown = counter(registry, metrics.unknown);
  const lag = histogram(registry, metrics.lag);
  const projected = counter(registry, metrics.projected);
  const failures = counter(registry, metrics.projectionFailures);
  const repaired = counter(registry, metrics.repaired);
  return [
    telemetry.on('commit.batch', ({ size, milliseconds }) => {
      commitSize.observe(size);
      commitSeconds.observe(milliseconds / 1000);
    }),
    telemetry.on('commit.conflict', () => conflicts.inc()),
    telemetry.on('commit.unknown', () => unknown.inc()),
    telemetry.on('projection.written', ({ jobs, lagMilliseconds }) => {
      lag.observe(lagMilliseconds / 1000);
      projected.inc(jobs);
    }),
    telemetry.on('projection.failed', () => failures.inc()),
    telemetry.on('projection.repaired', ({ jobs }) => repaired.inc(jobs)),
  ];
}

function countEffects(
  telemetry: Telemetry,
  { machines }: MetricsSources,
  registry: Registry,
): Stops {
  const effects = counter(registry, metrics.effects);
  const timers = counter(registry, metrics.timers);
  const dutyFailures = counter(registry, metrics.dutyFailures);
  const effectLabel = oneOf(
    machines.flatMap((machine) => machine.effects),
    'unknown',
  );
  const duty = firstOf(50, /^[A-Za-z]{1,50}$/);
  const ended = (result: string) => (event: { readonly effect: string }) =>
    effects.inc({ effect: effectLabel(event.effect), result });
  return [
    telemetry.on('effect.done', ended('done')),
    telemetry.on('effect.failed', ended('failed')),
    telemetry.on('effect.parked', ended('parked')),
    telemetry.on('timer.fired', () => timers.inc()),
    telemetry.on('duty.failed', (event) => dutyFailures.inc({ duty: duty(event.duty) })),
  ];
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'];

function countRequests(
  telemetry: Telemetry,
  { routes }: MetricsSources,
  registry: Registry,
): Stops {
  const requests = counter(registry, metrics.requests);
  const requestSeconds = histogram(registry, metrics.requestSeconds);
  const streams = gauge(registry, metrics.streams);
  const adminRefusals = counter(registry, metrics.adminRefusals);
  const routeLabel = oneOf(routes, 'unmatched');
  const methodLabel = oneOf(methods, 'other');
  const statusLabel = oneOf(statusClasses, 'other');
  const [actionLabel, codeLabel] = [firstOf(50, /^[A-Za-z][A-Za-z.]{0,49}$/), errorCode()];
  return [
    telemetry.on('http.request', (event) => {
      const [route, method] = [routeLabel(event.route), methodLabel(event.method)];
      requests.inc({ route, method, status: statusLabel(`${Math.floor(event.status / 100)}xx`) });
      requestSeconds.observe({ route, method }, event.milliseconds / 1000);
    }),
    telemetry.on('stream.opened', () => streams.inc()),
    telemetry.on('stream.closed', () => streams.dec()),
    telemetry.on('admin.refused', ({ action, code }) =>
      adminRefusals.inc({ action: actionLabel(action), code: codeLabel(code) }),
    ),
  ];
}

function readOutbox({ countEffects: read }: MetricsSources, registry: Registry): void {
  const readCounts = readAtMostOnceASecond(read);
  const outbox: Gauge<'status'> = gauge(registry, metrics.outbox, async () => {
    const counts = await readCounts();
    outbox.reset();
    if (!counts) return;
    outbox.set({ status: 'due' }, counts.due);
    outbox.set({ status: 'parked' }, counts.parked);
  });
}

const configurationOf = <Label extends string>(
  registry: Registry,
  { name, help, labels }: MetricDefinition<Label>,
) => ({ name, help, labelNames: [...labels], registers: [registry] });

const counter = <Label extends string>(registry: Registry, definition: MetricDefinition<Label>) =>
  new Counter(configurationOf(registry, definition));

const gauge = <Label extends string>(
  registry: Registry,
  definition: MetricDefinition<Label>,
  collect?: () => Promise<void>,
) => new Gauge({ ...configurationOf(registry, definition), ...(collect && { collect }) });

const histogram = <Label extends string>(
  registry: Registry,
  definition: MetricDefinition<Label>,
) => {
  const buckets = [...(definition.buckets ?? [])];
  return new Histogram({ ...configurationOf(registry, definition), buckets });
};
